"""A made-up framework with every shape of function that real ones have."""

from tinyframe._trainer import Guarded, Search, Stepper, Trainer
from tinyframe._training import train

__version__ = "1.2.0"

__all__ = ["Guarded", "Search", "Stepper", "Trainer", "train"]
