"""The doors: one file per desk, callbacks, API, errors."""
