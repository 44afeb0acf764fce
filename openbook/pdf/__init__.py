"""Print the built site as books: collect, flatten, render, bind, preflight."""
