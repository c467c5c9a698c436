"""Tests of the package `bot.team`."""
