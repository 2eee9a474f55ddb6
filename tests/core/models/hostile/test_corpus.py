"""Models made to do harm are refused, and none of their code runs, through whichever door."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import chiplog
from chiplog.core.cli import program
from chiplog.core.errors import ChiplogError, DamagedModel, UntrustedModel

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.framework

FLAVORS = (
    "sklearn",
    "pytorch",
    "tensorflow",
    "keras",
    "xgboost",
    "lightgbm",
    "onnx",
    "statsmodels",
    "catboost",
    "python_function",
)

#: What is done to a model, and what the refusal says.
ATTACKS = {
    "pickle": "cannot be read|allow_pickle|no .* file|begins with|is not there",
    "old_pickle": "cannot be read|allow_pickle|no .* file|begins with",
    "claimed_pickle": "cannot be read|allow_pickle|no .* file|begins with|in the format",
    "loader": "canary_module|cannot be read|allow_pickle|no .* file|begins with",
    "script": "model.py|cannot be read|allow_pickle|no .* file|begins with",
    "code_for_pythons_own": "cannot be read|allow_pickle|no .* file|begins with",
    "file_outside": "outside it|lacks its file",
    "absolute_file": "outside it|lacks its file",
    "link": "a link that leads out of it",
    "pipe": "is no file but a pipe",
    "wrong_digest": "was changed",
    "added_code": "code/added.py was added",
    "missing_file": "lacks its file",
    "tag": "no valid YAML",
    "references": "unfolds without end",
    "depth": "parts within parts",
    "no_text": "no valid YAML",
    "wrong_kinds": "MLmodel file",
    "next_version": "MLflow 4.0.0",
    "bomb": "unfold to|cannot be read|no readable|begins with",
    "garbage": "cannot be read|no readable|no .* file|begins with",
}


def through_flavor(name: str) -> None:
    module = getattr(chiplog, "pyfunc" if name == "python_function" else name)
    module.load_model("model")


def through_models(name: str) -> None:
    chiplog.models.load_model("model")


def through_pyfunc(name: str) -> None:
    chiplog.pyfunc.load_model("model", suppress_warnings=True)


def through_program(name: str) -> None:
    arguments = ["models", "predict", "-m", "model", "--env-manager", "local"]
    result = CliRunner().invoke(program, arguments, input='{"inputs": [[1, 2, 3, 4]]}')
    assert result.exit_code
    if isinstance(result.exception, ChiplogError):
        raise result.exception
    assert isinstance(result.exception, SystemExit), result.exception
    raise ChiplogError(result.output + result.stderr)


DOORS = [through_flavor, through_models, through_pyfunc, through_program]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("flavor", FLAVORS)
def test_a_hostile_model_is_refused_and_runs_nothing(
    flavor: str,
    attack: str,
    door: Callable[[str], None],
    hostile: Callable[[str], Any],
    attacks: dict[str, Callable[[Any], None]],
    watch: Any,
) -> None:
    attacks[attack](hostile(flavor))
    with pytest.raises(ChiplogError, match=ATTACKS[attack]):
        door(flavor)
    assert not watch.heard


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_hostile_model_says_of_itself_is_read_without_loading_it(
    attack: str,
    hostile: Callable[[str], Any],
    attacks: dict[str, Callable[[Any], None]],
    watch: Any,
) -> None:
    attacks[attack](hostile("sklearn"))
    with contextlib.suppress(ChiplogError):
        assert chiplog.models.get_model_info("model").flavors
    assert not watch.heard


def test_the_canary_sings_where_code_runs(
    hostile: Callable[[str], Any], attacks: dict[str, Callable[[Any], None]], watch: Any
) -> None:
    """Or the other tests could not fail."""
    attacks["loader"](hostile("sklearn"))
    with pytest.raises(AttributeError, match="_load_pyfunc"):
        chiplog.pyfunc.load_model("model", trusted_types=["canary_module"])
    assert {event.split()[0] for event in watch.heard} == {"compile", "exec"}
    chiplog.sklearn.load_model("model", allow_pickle=True)
    assert any("open('canary" in event for event in watch.heard)
    (watch.canary).unlink()
    watch.heard.clear()


def test_code_that_stands_for_pythons_own_is_refused_even_if_it_is_trusted(
    hostile: Callable[[str], Any], attacks: dict[str, Callable[[Any], None]], watch: Any
) -> None:
    attacks["code_for_pythons_own"](hostile("sklearn"))
    with pytest.raises(DamagedModel, match="Python's own 'colorsys'"):
        chiplog.sklearn.load_model("model", allow_pickle=True)
    assert not watch.heard


def test_code_beside_a_trusted_type_stands_behind_what_is_installed(
    hostile: Callable[[str], Any], watch: Any
) -> None:
    model = hostile("sklearn")
    model.files |= {"code/click.py": b"", "code/canary_beside.py": b""}
    model.settings["code"] = "code"
    model.write()
    before = list(sys.path)
    with pytest.raises(UntrustedModel, match="allow_pickle"):
        chiplog.sklearn.load_model("model", trusted_types=["canary_beside.Type"])
    assert sys.path == [*before, str(model.path / "code")]
    assert not watch.heard
