"""The frameworks chiplog records; each folder is a plugin."""
