"""PyTorch modules on disk: safetensors or an exported program by default, pickle when asked for."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import CannotSave, InvalidValue, NotFound, UntrustedModel
from chiplog.core.models import exported_program, frames, references, safety
from chiplog.core.models.flavor import Saved
from chiplog.core.models.loading import file_of
from chiplog.integrations.pytorch import exporting
from chiplog.integrations.pytorch.models import class_path, unwrapped
from chiplog.integrations.pytorch.tensors import read_state, write_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.core.models.safety import Trust

DATA: Final = "data"
FORMATS: Final = {
    "pt2": "model.pt2",
    "safetensors": "model.safetensors",
    "pickle": "model.pth",
}
PICKLE_INFO: Final = "pickle_module_info.txt"
_LOADER: Final = "mlflow.pytorch"


@dataclass(frozen=True)
class ModelState:
    """A module of which there is only the state.

    Attributes:
        state: as ``state_dict`` gives it.
        class_path: the module's class.
        roots: the modules that its parts' classes come from.
    """

    state: Mapping[str, Any]
    class_path: str
    roots: frozenset[str] = frozenset()


class PytorchFlavor:
    """Saves and loads ``torch.nn.Module``.

    Options: ``serialization_format`` (``"pt2"``, an exported program, which computes by itself and
    needs ``example``; ``"safetensors"``, the state alone; ``"pickle"``), ``example`` (an input, as
    tensors), ``pickle_module``.
    """

    name = "pytorch"
    module = "chiplog.integrations.pytorch.api"

    def can_save(self, model: object) -> bool:
        """Whether ``model`` is a module."""
        nn = sys.modules.get("torch.nn")
        return nn is not None and isinstance(model, nn.Module)

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's files; raises CannotSave if the format cannot hold it."""
        import torch

        chosen = chosen_format(options)
        (path / DATA).mkdir(exist_ok=True)
        file = path / DATA / FORMATS[chosen]
        if not isinstance(model, ModelState):
            model = unwrapped(model)
        kind = model.class_path if isinstance(model, ModelState) else class_path(model)
        settings = {
            "model_data": DATA,
            "pytorch_version": str(torch.__version__),
            "serialization_format": chosen,
            "model_class": kind,
        }
        function = {"loader_module": _LOADER, "data": DATA}
        notes: tuple[str, ...] = ()
        if chosen == "safetensors":
            _write_safetensors(model, file)
            modules = _roots(model) | {"torch", "safetensors"}
            return Saved(settings, None, frozenset(modules))
        if isinstance(model, ModelState):
            raise CannotSave(f"serialization_format={chosen!r} needs the module, which is gone.")
        modules = {"torch"}
        if chosen == "pt2":
            exporting.export(model, options.get("example"), file)
            if exported_program.doubts(file):
                notes = ("it has parts that could run code, and loading needs allow_pickle=True",)
        else:
            pickler = options.get("pickle_module")
            torch.save(model, file, **({"pickle_module": pickler} if pickler else {}))
            name = getattr(pickler, "__name__", "pickle")
            (path / DATA / PICKLE_INFO).write_text(name, encoding="utf-8")
            function["pickle_module_name"] = name
            modules |= _roots(model) | references.in_torch_file(file)
            notes = ("loading it runs the code it names, and needs allow_pickle=True",)
        return Saved(settings, function, frozenset(modules), notes)

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """Read the model as far as it is trusted; of a state alone, a module of its class."""
        folder = str(settings.get("model_data", DATA))
        chosen = settings.get("serialization_format") or _format_in(path / folder)
        file = file_of(path, f"{folder}/{FORMATS.get(str(chosen), 'model.pth')}")
        if chosen == "pt2":
            return safety.read_exported(file, trust).module()
        if chosen == "safetensors":
            module = _new_module(str(settings.get("model_class", "")), path, trust)
            module.load_state_dict(read_state(file))
            return module
        return safety.read_torch(file, trust)

    def predict(
        self,
        model: Any,
        data: Any,
        options: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,  # noqa: ARG002 - modules take none
    ) -> Any:
        """What the model gives for ``data``, as an array; for a frame, a frame."""
        example = options.get("example")
        given = exporting.outputs(model, data if example is None else example)
        return frames.as_given(data, given)


def chosen_format(options: Mapping[str, Any]) -> str:
    """The file format: as asked, else an exported program if there is an input to export with."""
    asked = options.get("serialization_format")
    if asked is None:
        return "safetensors" if options.get("example") is None else "pt2"
    if asked not in FORMATS:
        raise InvalidValue(
            f"serialization_format={asked!r} is unknown; it is one of {', '.join(FORMATS)}."
        )
    if asked == "pt2" and options.get("example") is None:
        raise InvalidValue(
            "serialization_format='pt2' exports what the model computes, for which it needs an "
            "input: give input_example=..., or a signature of tensors with fixed shapes."
        )
    return str(asked)


def state_of(path: Path, settings: Mapping[str, Any], trust: Trust) -> dict[str, Any]:
    """The state of a saved model, whatever its format."""
    folder = str(settings.get("model_data", DATA))
    chosen = settings.get("serialization_format") or _format_in(path / folder)
    if chosen == "safetensors":
        return read_state(file_of(path, f"{folder}/{FORMATS['safetensors']}"))
    state: dict[str, Any] = PytorchFlavor().load(path, settings, trust).state_dict()
    return state


def _write_safetensors(model: Any, file: Path) -> None:
    state = model.state if isinstance(model, ModelState) else model.state_dict()
    write_state(state, file)


def _roots(model: Any) -> set[str]:
    if isinstance(model, ModelState):
        return set(model.roots)
    return {type(part).__module__ for part in model.modules()}


def _format_in(folder: Path) -> str:
    """The format of a model whose settings do not say."""
    return next((kind for kind, file in FORMATS.items() if (folder / file).is_file()), "pickle")


def _new_module(kind: str, path: Path, trust: Trust) -> Any:
    """A module of the class that a state was saved of, made without arguments."""
    advice = (
        "load_model(uri, model=...) puts the state into a module that you made, and "
        "load_state_dict(uri) hands the state back"
    )
    if kind not in trust.types:
        raise UntrustedModel(
            f"The model in {str(path)!r} is the state of a {kind}, and making one runs that "
            f"class's code: {advice}. If the class can be made without arguments, "
            f"trusted_types=[{kind!r}] does that.",
            [kind],
        )
    module, _, name = kind.rpartition(".")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise NotFound(
            f"The model in {str(path)!r} is the state of a {kind}, which cannot be imported here: "
            f"{error}. {advice[0].upper()}{advice[1:]}."
        ) from error
    try:
        return found()
    except TypeError as error:
        raise NotFound(
            f"The model in {str(path)!r} is the state of a {kind}, which cannot be made without "
            f"arguments: {error}. {advice[0].upper()}{advice[1:]}."
        ) from error
