"""External links: gathered from chapters and data, asked politely whether they still answer."""
