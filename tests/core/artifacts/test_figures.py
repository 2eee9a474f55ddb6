from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.artifacts.figures import log_figure
from chiplog.core.errors import MissingLibrary

if TYPE_CHECKING:
    from chiplog.core.stores import ArtifactStore

pytestmark = pytest.mark.framework


@pytest.fixture
def figure() -> Any:
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    del matplotlib
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    return figure


@pytest.fixture
def plot() -> Any:
    graph_objects = pytest.importorskip("plotly.graph_objects")
    return graph_objects.Figure(graph_objects.Scatter(x=[1, 2], y=[3, 4]))


def head(store: ArtifactStore, path: str) -> bytes:
    with store.open(path) as file:
        return file.read(500)


@pytest.mark.parametrize(
    ("name", "magic"),
    [
        ("a/f.png", b"\x89PNG"),
        ("f.svg", b"<?xml"),
        ("f.pdf", b"%PDF"),
        ("f.jpg", b"\xff\xd8"),
        ("f", b"\x89PNG"),
    ],
)
def test_a_matplotlib_figure_is_saved_in_the_format_of_its_name(
    store: ArtifactStore, figure: Any, name: str, magic: bytes
) -> None:
    log_figure(store, figure, name)
    assert head(store, name).startswith(magic)


def test_save_kwargs_reach_matplotlib(store: ArtifactStore, figure: Any) -> None:
    log_figure(store, figure, "small.png", save_kwargs={"dpi": 20})
    log_figure(store, figure, "large.png", save_kwargs={"dpi": 200})
    small, large = (info.file_size or 0 for info in reversed(store.list(None)))
    assert small < large


def test_a_format_that_matplotlib_does_not_know_is_a_value_error(
    store: ArtifactStore, figure: Any
) -> None:
    with pytest.raises(ValueError, match=r"'f\.xyz'"):
        log_figure(store, figure, "f.xyz")


def test_axes_stand_for_their_figure(store: ArtifactStore, figure: Any) -> None:
    log_figure(store, figure.axes[0], "f.png")
    assert head(store, "f.png").startswith(b"\x89PNG")


def test_a_plotly_figure_is_a_page_that_takes_its_script_from_the_network(
    store: ArtifactStore, plot: Any
) -> None:
    log_figure(store, plot, "p.html")
    with store.open("p.html") as file:
        page = file.read()
    assert b"cdn" in page
    assert len(page) < 100_000
    log_figure(store, plot, "q.html", save_kwargs={"include_plotlyjs": False, "auto_open": False})
    with store.open("q.html") as file:
        assert b"cdn.plot" not in file.read()


def test_an_image_of_a_plotly_figure_needs_kaleido_or_says_so(
    store: ArtifactStore, plot: Any
) -> None:
    try:
        import kaleido  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError:
        with pytest.raises(MissingLibrary, match="pip install kaleido"):
            log_figure(store, plot, "p.png")
    else:
        pytest.skip("kaleido is installed")


def test_other_names_of_plotly_figures_are_a_type_error(store: ArtifactStore, plot: Any) -> None:
    with pytest.raises(TypeError, match=r"'p\.xyz'.*html"):
        log_figure(store, plot, "p.xyz")


def test_what_is_no_figure_is_a_type_error(store: ArtifactStore) -> None:
    with pytest.raises(TypeError, match=r"'f\.png'.*builtins\.dict"):
        log_figure(store, {}, "f.png")
