"""Hold the two languages of a chapter together: pair their sections and blocks, compare what must be the same."""
