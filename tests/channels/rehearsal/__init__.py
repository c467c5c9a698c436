"""Tests of the rehearsal platforms, made with other people's clients and never with our own adapters."""
