"""Models of any flavor as one function, and models of your own.

``load_model(uri).predict(data)`` works for whatever a model was made with. ``PythonModel`` is what
your own inherit from; ``save_model`` and ``log_model`` keep them.
"""

from chiplog.core.models.pyfunc.loading import load_model
from chiplog.core.models.pyfunc.model import PyFuncModel
from chiplog.core.models.pyfunc.python_model import PythonModel, PythonModelContext
from chiplog.core.models.pyfunc.saving import log_model, save_model
from chiplog.core.models.upkeep import get_model_dependencies

__all__ = [
    "PyFuncModel",
    "PythonModel",
    "PythonModelContext",
    "get_model_dependencies",
    "load_model",
    "log_model",
    "save_model",
]
