"""Tests of the two faces without a shared database."""
