"""Models in skops files: what may be in one, and that it is sound."""
