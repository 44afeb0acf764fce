"""Charts: a `chart` fence of a chapter becomes a small SVG of the facts, in one language, for screen and print."""
