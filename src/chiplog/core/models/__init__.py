"""Models on disk, in MLflow's directory format, saved and loaded safely."""
