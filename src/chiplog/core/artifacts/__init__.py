"""What a run's artifacts can be: texts, figures, images, tables, and how they are read back."""
