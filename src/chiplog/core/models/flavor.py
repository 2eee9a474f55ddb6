"""Flavors: how the models of one framework are saved and loaded, and how one is found."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from chiplog.core.errors import NotFound
from chiplog.hooks.guard import quietly
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.core.models.safety import Trust
    from chiplog.core.models.signature import ModelSignature

#: The flavor that every model has which can be used as one function.
PYTHON_FUNCTION: Final = "python_function"


@dataclass(frozen=True)
class Saved:
    """What a flavor wrote into a model's directory.

    Attributes:
        settings: the flavor's part of the MLmodel file.
        python_function: what the ``python_function`` flavor needs beyond the common part, with
            ``loader_module``; None if the model cannot be used that way.
        modules: modules that the saved model references, for its requirements.
        notes: what loading it again needs that the user may not expect, a sentence each.
        hinted: what the model's own type hints say it takes and gives; kept if the user says
            nothing else.
        takes_example_form: data comes to the model in the form of its input example, list or frame.
    """

    settings: dict[str, Any]
    python_function: dict[str, Any] | None = None
    modules: frozenset[str] = field(default_factory=frozenset)
    notes: tuple[str, ...] = ()
    hinted: ModelSignature | None = None
    takes_example_form: bool = False


class Flavor(Protocol):
    """How one framework's models are saved and loaded. Named by the hook ``chiplog_flavors``.

    Attributes:
        name: as in the MLmodel file, and in ``chiplog.<name>``.
        module: import path of the public module that ``chiplog.<name>`` stands for.
    """

    name: str
    module: str

    def can_save(self, model: object) -> bool:
        """Whether ``model`` is one of this framework's. Must not import the framework."""

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write ``model`` into the directory ``path``, which exists.

        ``options`` are the flavor's own arguments of ``log_model``.
        """

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """Read a model from its directory, through :mod:`chiplog.core.models.safety` alone."""

    def predict(
        self,
        model: Any,
        data: Any,
        options: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the model, saved and loaded, gives for ``data``: its python_function view.

        ``options`` are those it was saved with, or, of a loaded model, its settings: the flavor's
        own and those of ``python_function``. ``params`` are the prediction's, checked against the
        signature.
        """


def flavors() -> dict[str, Flavor]:
    """Every flavor by name; where two plugins name one, the later wins."""
    return {flavor.name: flavor for found in plugins().hook.chiplog_flavors() for flavor in found}


def get_flavor(name: str) -> Flavor:
    """The flavor of that name; raises NotFound with the names there are."""
    known = flavors()
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise NotFound(
            f"No plugin provides the model flavor {name!r}. Known flavors: {listed}. "
            f"Install the plugin for it, such as chiplog-{name}."
        )
    return known[name]


def predict_with(
    flavor: Flavor,
    model: Any,
    data: Any,
    options: Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
) -> Any:
    """What ``model`` gives for ``data``; a flavor is told of parameters if there are any."""
    if params:
        return flavor.predict(model, data, options, params)
    return flavor.predict(model, data, options)


def flavor_for(model: object) -> Flavor | None:
    """The flavor that saves ``model``, if there is one.

    Of several, it is the one of the package that the model's class is from, or that it is built on
    first: XGBoost's classifier is also one in scikit-learn's manner.
    """
    able = []
    for flavor in flavors().values():
        check = functools.partial(flavor.can_save, model)
        if quietly(f"Asking the flavor {flavor.name!r}", check, otherwise=False):
            able.append(flavor)
    packages = [kind.__module__.partition(".")[0] for kind in type(model).__mro__]

    def remoteness(flavor: Flavor) -> int:
        return packages.index(flavor.name) if flavor.name in packages else len(packages)

    return min(able, key=remoteness, default=None)
