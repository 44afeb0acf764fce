"""Check the book before it is built: findings with file, line and remedy, in seconds."""
