"""Where the metrics are offered."""

from tinyframe._metrics import accuracy, error

__all__ = ["accuracy", "error"]
