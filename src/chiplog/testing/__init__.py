"""Conformance kits and fixtures for those who write plugins; chiplog's own tests use them."""
