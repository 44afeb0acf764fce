"""Keep what readers link to alive: where pages and ids went, and which there were in the last release."""
