"""Keep Chinese text to the book's copy rules: spaces, punctuation, ranges, characters."""
