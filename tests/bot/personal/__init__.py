"""Tests of what citizens left with the bot and the desk."""
