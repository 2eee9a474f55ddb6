"""Stands for MLflow in the processes that a program run by ``chiplog exec`` starts.

``chiplog exec`` puts the folder above this one into their PYTHONPATH. What is imported is chiplog.
"""

import sys

from chiplog.core.alias import install_mlflow_alias

del sys.modules[__name__]
install_mlflow_alias()
__import__(__name__)
