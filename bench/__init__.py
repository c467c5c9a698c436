"""Measures the product along its own paths: rows, attempts and audit lines are written as in an office."""
