"""The website: MkDocs calls the plugin here, which connects the book's plain functions to its events."""
