"""The rows of people, content and releases: what is written, checked and signed."""
