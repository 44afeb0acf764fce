"""Know how old a translation is: which English text each section was translated from, and what has changed since."""
