"""The classifier of citizens' questions, shared by the embedded engine and Rasa; it knows nothing of the hub."""
