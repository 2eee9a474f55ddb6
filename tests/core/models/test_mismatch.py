"""A word at load when what is installed is not what a model was saved with."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from chiplog.core.models import mismatch
from chiplog.core.models.mismatch import warn_of_mismatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NUMPY = metadata.version("numpy")


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mismatch, "_seen", set())


def _said(directory: Path, caplog: pytest.LogCaptureFixture) -> list[str]:
    warn_of_mismatch(directory)
    return [record.getMessage() for record in caplog.records]


def test_nothing_is_said_when_all_agrees(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        "mlflow>=3",
        f"numpy=={NUMPY}",
        f"NumPy>=1,<={NUMPY}  # as it is",
        "no-such-thing==1; python_version < '3'",
        "-c constraints.txt",
        "--extra-index-url https://host",
        "",
        "not a requirement!",
    ]
    (tmp_path / "requirements.txt").write_text("\n".join(lines))
    (tmp_path / "python_env.yaml").write_text(f"python: {platform.python_version()}\n")
    assert _said(tmp_path, caplog) == []


def test_a_model_without_environment_files_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert _said(tmp_path, caplog) == []


def test_what_differs_is_named_in_one_warning_below_each_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ["numpy==1.0.1", "click<2", "no-such-thing==1.5", "other-thing", f"numpy=={NUMPY}"]
    (tmp_path / "requirements.txt").write_text("\n".join(lines))
    (tmp_path / "python_env.yaml").write_text("python: '3.8.2'\n")
    said = _said(tmp_path, caplog)
    assert len(said) == 1
    here = sys.version_info
    assert said[0].splitlines()[1:-1] == [
        f"    Python         saved with 3.8.2, running {here.major}.{here.minor}.{here.micro}",
        f"    numpy          saved with 1.0.1, installed {NUMPY}",
        f"    click          needs <2, installed {metadata.version('click')}",
        "    no-such-thing  saved with 1.5, not installed",
        "    other-thing    needs any version, not installed",
    ]
    assert repr(str(tmp_path)) in said[0]
    assert f"chiplog models prepare-env -m {tmp_path}" in said[0]


def test_it_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==1.0.1")
    assert len(_said(tmp_path, caplog)) == 1
    assert len(_said(tmp_path, caplog)) == 1
    (tmp_path / "requirements.txt").write_text("numpy==1.0.2")
    assert len(_said(tmp_path, caplog)) == 2


@pytest.mark.parametrize(
    ("installed", "wanted", "agrees"),
    [
        ("2.13.0+cpu", "2.13.0", True),
        ("1.0", "1.0.0", True),
        ("1.0.post1", "1.0", False),
        ("2.0rc1", "2.0rc1", True),
        ("2.0", "2.0rc1", False),
    ],
)
def test_versions_are_compared_as_installers_do(
    installed: str,
    wanted: str,
    agrees: bool,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    site: Callable[..., Path],
) -> None:
    site("thing", installed, {})
    (tmp_path / "requirements.txt").write_text(f"thing=={wanted}")
    assert (_said(tmp_path, caplog) == []) is agrees


@pytest.mark.framework
def test_another_build_of_the_same_package_will_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        version = metadata.version("xgboost-cpu")
    except metadata.PackageNotFoundError:
        pytest.skip("needs the build xgboost-cpu")
    (tmp_path / "requirements.txt").write_text(f"xgboost=={version}")
    assert _said(tmp_path, caplog) == []
