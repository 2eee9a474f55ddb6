from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.artifacts.images import Image, log_image

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.stores import ArtifactStore

PIL = pytest.importorskip("PIL.Image")

pytestmark = pytest.mark.framework


def opened(store: ArtifactStore, path: str) -> Any:
    with store.open(path) as file:
        picture = PIL.open(io.BytesIO(file.read()))
    picture.load()
    return picture


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0, 85, 170, 255]),
        (0.2, 0.5, [51, 76, 102, 127]),
        (0.0, 255.0, [0, 85, 170, 255]),
        (10.0, 20.0, [0, 85, 170, 255]),
        (-1.0, 1.0, [0, 85, 170, 255]),
    ],
)
def test_floats_are_scaled_by_one_or_by_their_own_range(
    low: float, high: float, expected: list[int]
) -> None:
    image = Image(np.linspace(low, high, 4).reshape(2, 2))
    assert image.to_array().reshape(-1).tolist() == expected


def test_nan_is_black_and_infinity_white() -> None:
    image = Image(np.array([[0.2, np.nan], [np.inf, -np.inf]]))
    assert image.to_list() == [[51, 0], [255, 0]]
    assert Image(np.full((2, 2), np.nan)).to_list() == [[0, 0], [0, 0]]
    assert Image(np.array([[0.0, 1e308], [-1e308, 1.0]])).to_list()[1][0] == 0


@pytest.mark.parametrize(
    ("shape", "mode"), [((3, 4), "L"), ((3, 4, 1), "L"), ((3, 4, 3), "RGB"), ((3, 4, 4), "RGBA")]
)
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "bool"])
def test_the_channels_decide_about_the_mode(shape: tuple[int, ...], mode: str, dtype: str) -> None:
    image = Image(np.ones(shape, dtype))
    assert (image.to_pil().mode, image.to_pil().size) == (mode, (4, 3))
    assert image.to_array().max() == (255 if dtype in {"float32", "bool"} else 1)


def test_integers_outside_of_a_byte_are_a_value_error_with_the_range() -> None:
    for array in (np.array([[0, 256]]), np.array([[-1, 6]])):
        with pytest.raises(ValueError, match=f"from {array.min()} to {array.max()}"):
            Image(array)


@pytest.mark.parametrize("shape", [(3, 4, 2), (3,), (1, 3, 4, 3), (0, 3)])
def test_other_shapes_are_a_value_error_with_the_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(str(shape))):
        Image(np.zeros(shape, "uint8"))


def test_other_kinds_of_pixels_and_objects_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="complex128"):
        Image(np.zeros((2, 2), complex))
    with pytest.raises(TypeError, match="set"):
        Image({1})
    with pytest.raises(ValueError, match="differ in length"):
        Image([[1, 2], [3]])


def test_an_image_is_made_of_lists_files_and_other_images(tmp_path: Path) -> None:
    first = Image([[1, 2], [3, 4]])
    first.save(tmp_path / "i.png")
    for again in (
        Image(first),
        Image(first.to_pil()),
        Image(tmp_path / "i.png"),
        Image(str(tmp_path / "i.png")),
    ):
        assert again.to_list() == [[1, 2], [3, 4]]
    assert first.resize((4, 6)).to_array().shape == (6, 4)
    with pytest.raises(ValueError, match="gone"):
        Image(tmp_path / "gone.png")


@pytest.mark.parametrize("name", ["a/i.png", "i.jpg", "i.webp", "i.bmp", "i.gif", "i.tiff"])
def test_the_name_decides_about_the_format_of_a_file(
    store: ArtifactStore, tags: Any, name: str
) -> None:
    log_image(store, tags, np.full((3, 4, 4), 200, "uint8"), name)
    assert opened(store, name).size == (4, 3)
    assert tags == {}


def test_transparency_becomes_white_where_the_format_has_none(
    store: ArtifactStore, tags: Any
) -> None:
    log_image(store, tags, np.zeros((8, 8, 4), "uint8"), "i.bmp")
    assert opened(store, "i.bmp").convert("L").getpixel((0, 0)) == 255


def test_a_name_without_a_known_format_is_a_value_error(store: ArtifactStore, tags: Any) -> None:
    for name in ("i", "i.xyz"):
        with pytest.raises(ValueError, match=repr(name)):
            log_image(store, tags, np.zeros((2, 2)), name)


def test_a_series_is_a_png_and_a_small_webp_with_key_step_and_time_in_the_name(
    store: ArtifactStore, tags: Any
) -> None:
    log_image(store, tags, np.zeros((600, 300, 4), "uint8"), key="a/b c", step=3, timestamp=123)
    webp, png = (info.path for info in store.list("images"))
    uuid = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    stem = rf"images/a~b c\+step\+3\+timestamp\+123\+{uuid}"
    assert re.fullmatch(rf"{stem}\.png", png)
    assert webp == png.removesuffix(".png") + "+compressed.webp"
    assert (opened(store, png).size, opened(store, png).format) == ((300, 600), "PNG")
    assert (opened(store, webp).size, opened(store, webp).format) == ((128, 256), "WEBP")
    assert tags == {"mlflow.loggedImages": "True"}


def test_step_and_time_of_a_series_have_defaults(store: ArtifactStore, tags: Any) -> None:
    log_image(store, tags, Image([[1]]), key="dog")
    assert re.match(r"images/dog\+step\+0\+timestamp\+\d{13}\+", store.list("images")[0].path)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"step": 0},
        {"artifact_file": "a.png", "key": "x"},
        {"artifact_file": "a.png", "step": 0},
    ],
)
def test_arguments_that_exclude_each_other_are_a_type_error(
    store: ArtifactStore, tags: Any, arguments: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match="artifact_file"):
        log_image(store, tags, np.zeros((2, 2)), **arguments)


def test_a_key_with_other_characters_is_a_value_error(store: ArtifactStore, tags: Any) -> None:
    for key in ("do#g", "", "a+b"):
        with pytest.raises(ValueError, match=re.escape(repr(key))):
            log_image(store, tags, np.zeros((2, 2)), key=key)


def test_lists_and_paths_are_not_logged_as_they_are(store: ArtifactStore, tags: Any) -> None:
    for image in ("photo.png", [[1]]):
        with pytest.raises(TypeError, match="Image"):
            log_image(store, tags, image, "i.png")
