"""Refuse what a stranger's pull request must not bring: markup, addresses, files and sizes that the book has no use for.

`check` names each with its line (files, markup, front_matter). The build asks again, for itself: no file that `files`
refuses is read, and `article` looks at every page as Markdown made it, whatever way the markup came in.
"""
