"""The stand-in for JPush's REST interface, version 3."""
