"""Read chapters: a Markdown file as front matter, headings, links, fences, captions and citations with lines."""
