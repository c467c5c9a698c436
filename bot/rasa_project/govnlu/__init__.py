"""Rasa components of the office's bot; both the hub's root and this folder's parent must be on PYTHONPATH."""
