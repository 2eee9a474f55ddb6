"""``import mlflow`` as chiplog, for programs that are not to be changed."""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.util
import sys
import threading
from typing import TYPE_CHECKING, Final

from chiplog.core.alias_loading import alias_spec
from chiplog.core.errors import ChiplogError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

ALIAS: Final = "mlflow"
REAL: Final = "chiplog"

# Rooms of the house, and no part of what MLflow's users know.
_PRIVATE: Final = frozenset({"core", "hooks", "store", "integrations", "cli", "__main__"})

# What MLflow's users import from deeper than chiplog's modules go.
_ELSEWHERE: Final = {
    "data.code_dataset_source": "chiplog.data",
    "data.dataset": "chiplog.data",
    "data.dataset_source": "chiplog.data",
    "data.http_dataset_source": "chiplog.data",
    "data.huggingface_dataset": "chiplog.data",
    "data.meta_dataset": "chiplog.data",
    "data.numpy_dataset": "chiplog.data",
    "data.pandas_dataset": "chiplog.data",
    "data.tensorflow_dataset": "chiplog.data",
    "entities.experiment": "chiplog.entities",
    "entities.metric": "chiplog.entities",
    "entities.param": "chiplog.entities",
    "entities.run": "chiplog.entities",
    "entities.run_status": "chiplog.entities",
    "entities.run_tag": "chiplog.entities",
    "entities.view_type": "chiplog.entities",
    "metrics.base": "chiplog.metrics",
    "models.evaluation": "chiplog.models",
    "models.evaluation.validation": "chiplog.models",
    "pyfunc.model": "chiplog.pyfunc",
    "tracking.client": "chiplog.client",
    "tracking.fluent": "chiplog",
}

_installed: list[_MlflowFinder] = []  # the one that stays, if there is one
_lock = threading.RLock()


class _MlflowFinder(importlib.abc.MetaPathFinder):
    """Finds ``mlflow`` and its public submodules in chiplog, and no others anywhere."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the protocol's
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's
    ) -> ModuleSpec | None:
        top, _, rest = fullname.partition(".")
        if top != ALIAS:
            return None
        if rest in _ELSEWHERE:
            return _deepened(alias_spec(fullname, _ELSEWHERE[rest]), rest, _ELSEWHERE[rest])
        real_name = f"{REAL}.{rest}" if rest else REAL
        if rest.partition(".")[0] in _PRIVATE or not _exists(real_name):
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: mlflow is chiplog in this process, and chiplog has "
                f"no public module {real_name!r}. If you need MLflow's, import it without "
                "install_mlflow_alias() or `chiplog exec`.",
                name=fullname,
            )
        return _deepened(alias_spec(fullname, real_name), rest, real_name)


def install_mlflow_alias() -> None:
    """Let ``import mlflow`` and its public submodules give chiplog's, in this process.

    Raises ChiplogError if MLflow itself has been imported already. A second call does nothing.
    """
    loaded = sys.modules.get(ALIAS)
    if loaded is not None and loaded is not importlib.import_module(REAL):
        raise ChiplogError(
            "MLflow itself has been imported in this process already "
            f"(from {getattr(loaded, '__file__', None)!r}). Call install_mlflow_alias() before "
            "anything imports mlflow, or run the program with `chiplog exec`.",
            "INVALID_STATE",
        )
    if not _installed:
        _installed.append(_MlflowFinder())
        sys.meta_path.insert(0, _installed[0])


@contextlib.contextmanager
def mlflow_as_chiplog() -> Iterator[None]:
    """Let ``import mlflow`` give chiplog's for a while: for code that hands chiplog a model.

    Where MLflow itself is not installed it stays so, since such code may import it later.
    """
    if not _exists(ALIAS):
        install_mlflow_alias()
    if _installed:
        yield
        return
    with _lock:  # what MLflow is concerns the whole process
        real = _taken_out()
        finder = _MlflowFinder()
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            _taken_out()
            sys.modules.update(real)


def _taken_out() -> dict[str, ModuleType]:
    """The loaded modules of the alias's name, taken out of the table of modules."""
    names = [name for name in sys.modules if name.partition(".")[0] == ALIAS]
    return {name: sys.modules.pop(name) for name in names}


def _deepened(spec: ModuleSpec, name: str, real_name: str) -> ModuleSpec:
    """Let Python ask for the modules that MLflow has below ``name`` and chiplog has elsewhere."""
    module = sys.modules[real_name]
    if not hasattr(module, "__path__") and any(deep.startswith(f"{name}.") for deep in _ELSEWHERE):
        module.__path__ = []
    return spec


def _exists(name: str) -> bool:
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
