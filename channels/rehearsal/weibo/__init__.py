"""The stand-in for Sina Weibo."""
