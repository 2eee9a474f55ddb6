"""Where runs and files are kept; each folder is a plugin."""
