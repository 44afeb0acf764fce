"""Measure the PDF step against one pass of WeasyPrint, and against itself as the book grows."""
