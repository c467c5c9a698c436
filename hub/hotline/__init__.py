"""12345: tickets go to the city's hotline and come from it, each one once."""
