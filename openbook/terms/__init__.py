"""Hold the book's words: one file of terms, from which come glossary, tooltips, search words and findings."""
