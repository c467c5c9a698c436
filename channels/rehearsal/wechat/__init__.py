"""The stand-in for WeChat official accounts."""
