"""Ways out to the public and in from them: one adapter per platform."""
