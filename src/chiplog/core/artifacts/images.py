"""Images as artifacts: single files, and series along the steps of a run."""

from __future__ import annotations

import io
import re
import uuid
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Protocol

from chiplog.core.artifacts.paths import check_path
from chiplog.core.clock import now_ms
from chiplog.core.errors import BadContent, MissingLibrary, WrongType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

    from chiplog.core.stores import ArtifactStore

LOGGED_IMAGES_TAG: Final = "mlflow.loggedImages"

_KEY: Final = re.compile(r"[a-zA-Z0-9_\-./ ]+")
_THUMBNAIL: Final = (256, 256)
_CHANNELS: Final = (1, 3, 4)
_NO_ALPHA: Final = {"JPEG", "BMP", "PPM"}


class TagWriter(Protocol):
    """What is needed of a run to tag it; a RunWriter is one."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run."""


class Image:
    """An image from a numpy array, a list of pixels, a PIL image, or a file's path.

    Arrays have the shape (height, width) or (height, width, channels) with 1, 3 or 4 channels.
    Integers lie in 0 to 255. Floats in 0 to 1 are scaled to 0 to 255; if any lies outside, the
    range from the smallest to the largest is. NaN becomes 0, booleans 0 and 255.
    """

    def __init__(self, image: Any) -> None:
        pil = pillow("Image()")
        if isinstance(image, Image):
            self.image: PILImage = image.image
        elif isinstance(image, pil.Image):
            self.image = image
        elif isinstance(image, (str, PurePosixPath)) or hasattr(image, "__fspath__"):
            self.image = _opened(pil, image)
        elif isinstance(image, (list, tuple)):
            self.image = _from_array(pil, _as_pixels(image))
        elif _is_array(image):
            self.image = _from_array(pil, image)
        else:
            raise WrongType(
                f"An image is made of a numpy array, a list of pixels, a PIL image or a path, "
                f"not of a {type(image).__name__}. Tensors: give numpy.asarray(tensor)."
            )

    def to_pil(self) -> PILImage:
        """The image as PIL's."""
        return self.image

    def to_array(self) -> npt.NDArray[Any]:
        """The pixels, shape (height, width) or (height, width, channels)."""
        import numpy as np

        return np.asarray(self.image)

    def to_list(self) -> list[Any]:
        """The pixels as nested lists."""
        return list(self.to_array().tolist())

    def resize(self, size: tuple[int, int]) -> Image:
        """A copy of another size, (width, height)."""
        return Image(self.image.resize(size))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the image to a file, in the format that its name ends in."""
        self.image.save(path)


def log_image(
    store: ArtifactStore,
    writer: TagWriter,
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
) -> None:
    """Store an image as ``artifact_file``, or under ``key`` as one of a series along the steps.

    An image of a series is stored as PNG beside a small WebP. Raises WrongType (a TypeError) for
    other objects than images and for arguments that exclude each other, BadContent (a ValueError)
    for pixels out of range.
    """
    if artifact_file is not None and any(given is not None for given in (key, step, timestamp)):
        raise WrongType(
            "log_image() takes artifact_file alone, or key with step and timestamp; "
            f"got artifact_file={artifact_file!r}, key={key!r}, step={step!r}, "
            f"timestamp={timestamp!r}."
        )
    picture = _loggable(image)
    if artifact_file is not None:
        check_path(artifact_file)
        store.put_bytes(_encoded_by_name(picture, artifact_file), artifact_file)
    elif key is not None:
        for path, data in _series_files(picture, key, step, timestamp):
            store.put_bytes(data, path)
        writer.set_tags({LOGGED_IMAGES_TAG: "True"})
    else:
        raise WrongType("log_image() needs artifact_file= or key=; neither was given.")


def is_image(value: object) -> bool:
    """Whether a table's cell is an image."""
    if isinstance(value, Image):
        return True
    kind = type(value)
    return kind.__module__.partition(".")[0] == "PIL" and hasattr(kind, "save")


def png_and_thumbnail(image: Any) -> tuple[bytes, bytes]:
    """An image as PNG, and as a WebP of at most 256 by 256 pixels."""
    picture = Image(image).to_pil()
    small = picture.convert("RGBA" if _has_alpha(picture) else "RGB")
    small.thumbnail(_THUMBNAIL)
    return encode(picture, "PNG"), encode(small, "WEBP")


def encode(picture: PILImage, form: str) -> bytes:
    """A PIL image as a file of the format ``form``."""
    pil = pillow("An image")
    if form in _NO_ALPHA and _has_alpha(picture):
        backed = pil.new("RGBA", picture.size, "white")
        backed.alpha_composite(picture.convert("RGBA"))
        picture = backed.convert("RGB")
    target = io.BytesIO()
    try:
        picture.save(target, form)
    except (OSError, ValueError, KeyError) as error:
        raise BadContent(
            f"An image of mode {picture.mode!r} and size {picture.size} cannot be stored as "
            f"{form}: {error}."
        ) from error
    return target.getvalue()


def pillow(what: str) -> Any:
    """PIL's Image module; ``what`` needs it."""
    try:
        import PIL.Image
    except ImportError as error:
        raise MissingLibrary(
            f"{what} needs Pillow, which is not installed.\n    pip install pillow"
        ) from error
    return PIL.Image


def _loggable(image: Any) -> PILImage:
    if isinstance(image, (str, list, tuple)) or hasattr(image, "__fspath__"):
        raise WrongType(
            f"log_image() takes a numpy array, a PIL image or chiplog.Image, not a "
            f"{type(image).__name__}; give chiplog.Image({type(image).__name__}...)."
        )
    return Image(image).to_pil()


def _encoded_by_name(picture: PILImage, artifact_file: str) -> bytes:
    pil = pillow("log_image()")
    suffix = PurePosixPath(artifact_file).suffix.lower()
    form = pil.registered_extensions().get(suffix)
    if form is None or form not in pil.SAVE:
        raise BadContent(
            f"The image file {artifact_file!r} ends in {suffix!r}, which names no format that "
            "Pillow writes; use .png, .jpg or .webp."
        )
    return encode(picture, form)


def _series_files(
    picture: PILImage, key: str, step: int | None, timestamp: int | None
) -> list[tuple[str, bytes]]:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise BadContent(
            f"The image key {key!r} may hold only letters, digits, underscores, dashes, periods, "
            "spaces and slashes."
        )
    time_ms = now_ms() if timestamp is None else timestamp
    flat = key.replace("/", "~")
    stem = f"images/{flat}+step+{step or 0}+timestamp+{time_ms}+{uuid.uuid4()}"
    png, webp = png_and_thumbnail(picture)
    return [
        (check_path(f"{stem}.png"), png),
        (check_path(f"{stem}+compressed.webp"), webp),
    ]


def _has_alpha(picture: PILImage) -> bool:
    return "A" in picture.getbands() or "transparency" in picture.info


def _opened(pil: Any, path: Any) -> PILImage:
    try:
        picture: PILImage = pil.open(path)
        picture.load()
    except (OSError, ValueError) as error:
        raise BadContent(f"{str(path)!r} cannot be read as an image: {error}.") from error
    return picture


def _is_array(image: object) -> bool:
    import numpy as np

    return isinstance(image, np.ndarray)


def _as_pixels(pixels: Any) -> npt.NDArray[Any]:
    import numpy as np

    try:
        return np.asarray(pixels)
    except ValueError as error:
        raise BadContent(f"The rows of the image differ in length: {error}.") from error


def _from_array(pil: Any, array: npt.NDArray[Any]) -> PILImage:
    if array.ndim not in {2, 3} or array.size == 0:
        raise BadContent(
            f"An image is an array of 2 or 3 dimensions, none of them 0, not {array.shape}."
        )
    if array.ndim == 3 and array.shape[2] not in _CHANNELS:
        raise BadContent(
            f"An image of shape {array.shape} has {array.shape[2]} channels in its last dimension; "
            "1, 3 or 4 are allowed."
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    picture: PILImage = pil.fromarray(_as_bytes(array))
    return picture


def _as_bytes(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Pixels as integers from 0 to 255."""
    import numpy as np

    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind in "iu":
        low, high = array.min(), array.max()
        if low < 0 or high > 255:
            raise BadContent(
                f"The pixels are integers from {low} to {high}; they must lie between 0 and 255. "
                "Divide them, or give floats, which are scaled."
            )
        return array.astype(np.uint8)
    if array.dtype.kind == "f":
        return _scaled(array)
    raise WrongType(
        f"Pixels of type {array.dtype} are no image; they must be boolean, integer or floating."
    )


def _scaled(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    import numpy as np

    known = np.isfinite(array)
    if not known.any():
        return np.zeros(array.shape, np.uint8)
    low, high = float(array[known].min()), float(array[known].max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    with np.errstate(all="ignore"):
        pixels = (array.astype(np.float64) - low) * (255.0 / (high - low) if high > low else 0.0)
    pixels = np.nan_to_num(pixels, nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(pixels, 0, 255).astype(np.uint8)
