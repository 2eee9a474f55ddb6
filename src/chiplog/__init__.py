"""chiplog records machine-learning work: call ``autolog()`` once, and training records itself."""
