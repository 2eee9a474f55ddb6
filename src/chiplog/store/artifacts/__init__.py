"""Placeholder manifest."""
