"""Figures of matplotlib and plotly as artifacts."""

from __future__ import annotations

import io
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.artifacts.paths import check_path
from chiplog.core.errors import BadContent, MissingLibrary, WrongType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.stores import ArtifactStore

_PLOTLY_IMAGES: Final = {".png", ".jpeg", ".webp", ".svg", ".pdf"}


def log_figure(
    store: ArtifactStore,
    figure: Any,
    artifact_file: str,
    *,
    save_kwargs: Mapping[str, Any] | None = None,
) -> None:
    """Store a figure in the format that the file's name ends in.

    matplotlib figures take every format of their ``savefig``, plotly figures ``.html``, ``.png``,
    ``.jpeg``, ``.webp``, ``.svg`` and ``.pdf``. Raises WrongType (a TypeError) for anything else.
    ``save_kwargs`` goes to the library's own saving function.
    """
    check_path(artifact_file)
    options = dict(save_kwargs or {})
    if _comes_from(figure, "matplotlib"):
        data = _matplotlib(figure, artifact_file, options)
    elif _comes_from(figure, "plotly"):
        data = _plotly(figure, artifact_file, options)
    else:
        raise WrongType(
            f"log_figure({artifact_file!r}) takes matplotlib and plotly figures, not "
            f"{type(figure).__module__}.{type(figure).__qualname__}. Save it yourself and use "
            "log_artifact()."
        )
    store.put_bytes(data, artifact_file)


def _comes_from(figure: Any, library: str) -> bool:
    """Whether a class of the library is among the figure's, without importing the library."""
    return any(kind.__module__.partition(".")[0] == library for kind in type(figure).__mro__)


def _matplotlib(figure: Any, artifact_file: str, options: dict[str, Any]) -> bytes:
    figure = getattr(figure, "figure", figure)  # axes and other artists know theirs
    if not hasattr(figure, "savefig"):
        raise WrongType(
            f"log_figure({artifact_file!r}) needs a figure, not {type(figure).__name__}."
        )
    suffix = PurePosixPath(artifact_file).suffix.lstrip(".").lower()
    if suffix:
        options.setdefault("format", suffix)
    target = io.BytesIO()
    try:
        figure.savefig(target, **options)
    except ValueError as error:
        raise BadContent(f"matplotlib cannot save {artifact_file!r}: {error}") from error
    return target.getvalue()


def _plotly(figure: Any, artifact_file: str, options: dict[str, Any]) -> bytes:
    suffix = PurePosixPath(artifact_file).suffix.lower()
    if suffix == ".html":
        options.pop("auto_open", None)  # of plotly's function that writes a file; nothing to open
        html: str = figure.to_html(**{"include_plotlyjs": "cdn", **options})
        return html.encode()
    if suffix not in _PLOTLY_IMAGES:
        raise WrongType(
            f"plotly figures are not stored as {artifact_file!r}: the name must end in .html, "
            + ", ".join(sorted(_PLOTLY_IMAGES))
            + "."
        )
    try:
        image: bytes = figure.to_image(**{"format": suffix[1:], **options})
    except (ImportError, ValueError, RuntimeError) as error:
        if "kaleido" not in str(error).lower():
            raise BadContent(f"plotly cannot save {artifact_file!r}: {error}") from error
        raise MissingLibrary(
            f"log_figure({artifact_file!r}) of a plotly figure needs kaleido, which is not "
            "installed; .html needs nothing more.\n    pip install kaleido"
        ) from error
    return image
