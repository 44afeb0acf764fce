"""Formulas: TeX rendered when the book is built, so that no reader needs JavaScript."""
