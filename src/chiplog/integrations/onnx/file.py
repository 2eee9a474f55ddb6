"""Files of ONNX models: what is in them is looked at before anything relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import CannotSave, DamagedModel
from chiplog.core.models import safety
from chiplog.core.models.loading import file_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE: Final = "model.onnx"
#: Where the large tensors of a model lie, beside it.
DATA_FILE: Final = "model.onnx.data"
_LARGE: Final = 1024  # bytes, as in ONNX's own saving

_WHAT: Final = "an ONNX model"


def write(model: Any, file: Path, *, is_split: bool) -> None:
    """Write a model; its large tensors into a file beside it if ``is_split``.

    Raises CannotSave if ONNX's checker refuses it, or if its tensors lie in files elsewhere.
    """
    import onnx

    if any(_is_external(tensor) for tensor in _tensors(model)):
        raise CannotSave(
            "The ONNX model refers to tensors in files that are not with it. Give what "
            "onnx.load(path) hands back, which reads them."
        )
    copy = onnx.ModelProto()  # since saving moves the tensors out of the model it is given
    copy.CopyFrom(model)
    onnx.save_model(
        copy,
        str(file),
        save_as_external_data=is_split,
        location=DATA_FILE,
        size_threshold=_LARGE,
    )
    try:
        onnx.checker.check_model(str(file))
    except Exception as error:
        raise CannotSave(f"onnx.checker refuses the model: {error}") from error


def read(file: Path) -> Any:
    """The model in a file, with its tensors; raises DamagedModel unless it is a sound one."""
    import onnx

    check(file)
    return safety.read_data(file, _WHAT, lambda found: onnx.load(str(found)))


def check(file: Path) -> None:
    """Raise DamagedModel unless a file holds a sound model whose tensors lie in its own folder.

    An ONNX model names the files of its tensors, and could name any file of this machine's.
    """
    import onnx

    model = safety.read_data(
        file, _WHAT, lambda found: onnx.load(str(found), load_external_data=False)
    )
    for tensor in _tensors(model):
        if _is_external(tensor):
            _check_place(tensor, file)
    safety.read_data(file, _WHAT, lambda found: onnx.checker.check_model(str(found)))


def _check_place(tensor: Any, file: Path) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    # onnxruntime takes some names with a star for addresses in memory, and of two one might win.
    if "*" in location or len(entries) < len(tensor.external_data):
        raise DamagedModel(
            f"{str(file)!r} has no one file for the tensor {tensor.name!r}: {location!r}."
        )
    place = file_of(file.parent, location)
    try:
        offset, length = (int(entries.get(key, "0")) for key in ("offset", "length"))
    except ValueError as error:
        raise DamagedModel(
            f"{str(file)!r} does not say where the tensor {tensor.name!r} lies: {error}."
        ) from error
    size = place.stat().st_size
    if offset < 0 or length < 0 or offset + length > size:
        raise DamagedModel(
            f"{str(file)!r} says that the tensor {tensor.name!r} lies in {place.name!r} from byte "
            f"{offset} on, {length} bytes long; the file has {size}."
        )


def _is_external(tensor: Any) -> bool:
    return bool(tensor.data_location == tensor.EXTERNAL)


def _tensors(model: Any) -> Iterator[Any]:
    """Every tensor in a model, wherever it stands: in graphs, in graphs inside, in functions."""
    import onnx
    from google.protobuf.message import Message

    stack = [model]
    while stack:
        message = stack.pop()
        if isinstance(message, onnx.TensorProto):
            yield message
            continue
        for field, value in message.ListFields():
            if field.message_type is not None:
                stack.extend([value] if isinstance(value, Message) else value)
