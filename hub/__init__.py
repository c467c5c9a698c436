"""The hub: settings, wiring, doors. It imports every package and is imported by none."""
