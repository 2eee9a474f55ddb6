"""chiplog itself as a wheel, packed from the files it runs from.

So an environment or an image gets the very chiplog that makes it, however that one was installed:
from an index, from version control, or as a folder that somebody works in. In an environment on the
same machine the last stays a folder: what is changed in it is changed there too, and the
environment need not be made anew.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import chiplog
from chiplog.core.models.distributions import installed

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = "chiplog"
_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes


def file_name() -> str:
    """The wheel's file name, which tells installers its version."""
    return f"{_NAME}-{metadata.version(_NAME)}-py3-none-any.whl"


def digest() -> str:
    """A digest of what a wheel for this machine holds."""
    whole = hashlib.sha256()
    for name, data in _contents(for_here=True):
        whole.update(f"{name}\0{len(data)}\0".encode())
        whole.update(data)
    return whole.hexdigest()


def pack_wheel(folder: Path, *, for_here: bool = False) -> Path:
    """Write the wheel into ``folder``; the file it is.

    One that is ``for_here`` may point to files of this machine.
    """
    target = folder / file_name()
    about = f"{_NAME}-{metadata.version(_NAME)}.dist-info"
    listed = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _contents(for_here=for_here):
            archive.writestr(zipfile.ZipInfo(name, _TIME), data, zipfile.ZIP_DEFLATED)
            checked = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            listed.append(f"{name},sha256={checked},{len(data)}\n")
        listed.append(f"{about}/RECORD,,\n")
        archive.writestr(zipfile.ZipInfo(f"{about}/RECORD", _TIME), "".join(listed))
    return target


@functools.cache
def _is_worked_on() -> bool:
    """Whether this chiplog is a folder that somebody works in."""
    found = installed(_NAME)
    return (
        found is not None and found.folder is not None and _package().is_relative_to(found.folder)
    )


def _package() -> Path:
    assert chiplog.__file__ is not None
    return Path(chiplog.__file__).resolve().parent


def _contents(*, for_here: bool) -> Iterator[tuple[str, bytes]]:
    """The files of the wheel by name, but for its list of them."""
    package = _package()
    if for_here and _is_worked_on():
        yield f"_{_NAME}.pth", f"{package.parent}\n".encode()
    else:
        for file in sorted(package.rglob("*")):
            inside = file.relative_to(package)
            if file.is_file() and "__pycache__" not in inside.parts:
                yield f"{_NAME}/{inside.as_posix()}", file.read_bytes()
    about = f"{_NAME}-{metadata.version(_NAME)}.dist-info"
    for name in ("METADATA", "entry_points.txt"):
        yield f"{about}/{name}", (metadata.distribution(_NAME).read_text(name) or "").encode()
    tags = "Wheel-Version: 1.0\nGenerator: chiplog\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    yield f"{about}/WHEEL", tags.encode()
