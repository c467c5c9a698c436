"""Two faces without a shared database: an outer side before the house, and what passes between it and the inside."""
