"""The stand-in for a consolidated site platform (集约化平台)."""
