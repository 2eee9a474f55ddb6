"""Records scikit-learn."""
