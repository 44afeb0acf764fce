"""Build the Machine Learning Engineering Open Book: from Markdown and facts to a bilingual site and two PDFs."""

LANGUAGES = ("en", "zh")
"""The languages of the book; the first is the one that chapters are named in."""
