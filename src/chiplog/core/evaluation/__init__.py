"""Evaluation: models measured on data, by evaluators that plugins provide."""
