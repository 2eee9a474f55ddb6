"""Files of an evaluation: made of what a metric or plot gives, and read back as that."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.artifacts.paths import check_path
from chiplog.core.errors import BadContent, InvalidValue, MissingLibrary, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

_IMAGES: Final = {".png", ".jpg", ".jpeg"}


@dataclass
class EvaluationArtifact:
    """A file of an evaluation.

    Attributes:
        file: its path among the run's artifacts.
        data: its bytes.
        uri: where it is stored; empty until it is.
    """

    file: str
    data: bytes
    uri: str = ""

    def __post_init__(self) -> None:
        check_path(self.file)

    @property
    def content(self) -> Any:
        """What it holds: an image of PIL, a DataFrame, an array, JSON's values, or text."""
        suffix = PurePosixPath(self.file).suffix.lower()
        read = _READERS.get(suffix)
        if read is None:
            return self.data
        try:
            return read(self.data)
        except (ValueError, OSError, EOFError) as error:
            raise BadContent(f"The artifact {self.file!r} cannot be read: {error}.") from error

    def save(self, directory: str | Path) -> Path:
        """Write the file into a directory under its own name; hands back its path."""
        path = Path(directory) / PurePosixPath(self.file).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        return path

    def __repr__(self) -> str:
        return f"EvaluationArtifact({self.uri or self.file!r}, {len(self.data)} bytes)"


def artifact_of(name: str, value: Any) -> EvaluationArtifact:
    """Make a file of what a user's function gave under a name.

    A path is the file at it; a DataFrame becomes ``.csv``, an array ``.npy``, a figure or image
    ``.png``, JSON's text and values ``.json``, other text ``.txt``. Nothing is pickled.
    """
    if isinstance(value, EvaluationArtifact):
        return value
    if isinstance(value, Path) or (isinstance(value, str) and _is_file(value)):
        path = Path(value)
        if not path.is_file():
            raise NotFound(f"The artifact {name!r} is to be the file {str(path)!r}: there is none.")
        return EvaluationArtifact(name + path.suffix, path.read_bytes())
    if isinstance(value, str):
        suffix = ".json" if _is_json(value) else ".txt"
        return EvaluationArtifact(_named(name, suffix), value.encode())
    if isinstance(value, (bytes, bytearray)):
        return EvaluationArtifact(name, bytes(value))
    for library, kind, write in _WRITERS:
        if any(_is_a(base, library, kind) for base in type(value).__mro__):
            suffix, data = write(value)
            return EvaluationArtifact(_named(name, suffix), data)
    try:
        text = json.dumps(value, indent=2)
    except (TypeError, ValueError) as error:
        raise InvalidValue(
            f"The artifact {name!r} is a {type(value).__name__}, for which there is no file format "
            f"({error}). Give a DataFrame, an array, a figure, text, what JSON knows, or the path "
            "of a file you wrote into artifacts_dir."
        ) from error
    return EvaluationArtifact(_named(name, ".json"), text.encode())


def _is_file(text: str) -> bool:
    try:
        return len(text) < 4096 and Path(text).is_file()
    except (OSError, ValueError):
        return False


def _is_json(text: str) -> bool:
    """Whether a text is JSON's object or list."""
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False


def _named(name: str, suffix: str) -> str:
    return name if name.endswith(suffix) else name + suffix


def _is_a(base: type, library: str, kind: str) -> bool:
    return base.__name__ == kind and base.__module__.partition(".")[0] == library


def _csv(frame: Any) -> tuple[str, bytes]:
    return ".csv", frame.to_csv(index=False).encode()


def _npy(array: Any) -> tuple[str, bytes]:
    import numpy as np

    file = io.BytesIO()
    try:
        np.save(file, array, allow_pickle=False)
    except ValueError as error:
        raise InvalidValue(f"An array of objects has no file format: {error}") from error
    return ".npy", file.getvalue()


def _png(image: Any) -> tuple[str, bytes]:
    file = io.BytesIO()
    write: Callable[..., Any] = getattr(image, "savefig", None) or image.save
    write(file, format="png")
    return ".png", file.getvalue()


def _html(figure: Any) -> tuple[str, bytes]:
    return ".html", str(figure.to_html(include_plotlyjs="cdn")).encode()


#: How values of a library's types become files: the suffix, and the bytes.
_WRITERS: Final[tuple[tuple[str, str, Callable[[Any], tuple[str, bytes]]], ...]] = (
    ("pandas", "DataFrame", _csv),
    ("numpy", "ndarray", _npy),
    ("matplotlib", "Figure", _png),
    ("PIL", "Image", _png),
    ("plotly", "BaseFigure", _html),
)


def _read_image(data: bytes) -> Any:
    from chiplog.core.artifacts.images import pillow

    image = pillow("An evaluation's image").open(io.BytesIO(data))
    image.load()
    return image


def _read_csv(data: bytes) -> Any:
    return _pandas().read_csv(io.BytesIO(data))


def _read_parquet(data: bytes) -> Any:
    return _pandas().read_parquet(io.BytesIO(data))


def _read_npy(data: bytes) -> Any:
    import numpy as np

    return np.load(io.BytesIO(data), allow_pickle=False)


def _pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingLibrary(
            "Reading an evaluation's table needs pandas, which is not installed.\n"
            "    pip install pandas"
        ) from error
    return pd


_READERS: Final[dict[str, Callable[[bytes], Any]]] = {
    **dict.fromkeys(_IMAGES, _read_image),
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".npy": _read_npy,
    ".json": json.loads,
    ".txt": bytes.decode,
    ".html": bytes.decode,
}
