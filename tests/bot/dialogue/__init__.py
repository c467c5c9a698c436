"""Tests of what takes several turns."""
