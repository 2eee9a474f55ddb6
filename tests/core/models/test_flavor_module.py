"""The public module of a flavor: what its functions are given reaches files and record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import chiplog
from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.models.flavor import Saved
from chiplog.core.models.flavor_module import FlavorModule
from chiplog.core.models.loading import open_model, own_flavor
from chiplog.hooks.manager import plugins
from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.usefixtures("project")


class NoteFlavor:
    """Saves texts; notes what it was given."""

    name = "note"
    module = ""

    def can_save(self, model: object) -> bool:
        return isinstance(model, str)

    def save(self, model: str, path: Path, options: Mapping[str, Any]) -> Saved:
        (path / "note.txt").write_text(f"{model}{options['mark']}", encoding="utf-8")
        return Saved({"data": "note.txt"})

    def load(self, path: Path, settings: Mapping[str, Any], trust: Any) -> str:
        text = (path / settings["data"]).read_text(encoding="utf-8")
        return f"{text} {trust.allow_pickle} {list(trust.types)}"

    def predict(
        self, model: str, data: Any, options: Mapping[str, Any], params: Any = None
    ) -> list[str]:
        return [f"{model}{options['mark']}{one}" for one in data]


_models = FlavorModule(NoteFlavor(), "text", ["mark"])


def save_model(text: str, path: str, metadata: Any = None, mark: str = ".") -> None:
    _models.save(locals())


def log_model(
    text: str,
    artifact_path: str | None = None,
    name: str | None = None,
    input_example: Any = None,
    params: Any = None,
    tags: Any = None,
    step: int = 0,
    mark: str = "!",
    model_id: str | None = None,
) -> Any:
    return _models.log(locals())


def load_model(model_uri: str, *, allow_pickle: bool | None = None, trusted_types: Any = ()) -> Any:
    return _models.load(locals())


class Notes:
    """A plugin that provides the flavor."""

    @hookimpl
    def chiplog_flavors(self) -> list[Any]:
        return [NoteFlavor()]


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    """Have the flavor found by its name, beside those that other plugins provide."""
    plugins().add(Notes(), "notes")
    yield
    plugins().remove("notes")


def test_what_is_given_by_name_is_saved_and_the_rest_is_left_at_its_default() -> None:
    save_model("hello", "there", {"team": "a"}, mark="?")
    body = yaml.safe_load(Path("there", "MLmodel").read_text(encoding="utf-8"))
    assert body["flavors"] == {"note": {"code": None, "data": "note.txt"}}
    assert body["metadata"] == {"team": "a"}
    loaded = load_model("there", allow_pickle=True, trusted_types=["a.B"])
    assert loaded == "hello? True ['a.B']"
    assert chiplog.models.load_model("there") == "hello? None []"


def test_a_model_is_logged_with_its_record() -> None:
    with chiplog.start_run() as run:
        info = log_model(
            "hi", name="greeting", input_example=["a"], params={"p": 1}, tags={"t": 2}, step=7
        )
    assert (info.name, info.params, info.tags) == ("greeting", {"p": "1"}, {"t": "2"})
    assert str(info.signature.outputs) == "[string (required)]"
    (output,) = chiplog.get_run(run.info.run_id).outputs.model_outputs
    assert (output.model_id, output.step) == (info.model_id, 7)
    again = log_model("ho", model_id=info.model_id)
    assert load_model(again.model_uri) == "ho! None []"
    assert log_model("hi", "old").name == "old"


def test_a_model_of_several_flavors_is_loaded_by_the_one_that_is_asked_for() -> None:
    save_model("hello", "there")
    file = Path("there", "MLmodel")
    body = yaml.safe_load(file.read_text(encoding="utf-8"))
    body["flavors"]["unheard_of"] = {}
    file.write_text(yaml.safe_dump(body), encoding="utf-8")
    assert own_flavor(open_model("there")) == "note"
    del body["flavors"]["note"]
    file.write_text(yaml.safe_dump(body), encoding="utf-8")
    with pytest.raises(NotFound, match="No plugin provides the model flavor 'unheard_of'"):
        chiplog.models.load_model("there")
    with pytest.raises(NotFound, match="no flavor 'note'; it has: unheard_of"):
        load_model("there")
    body["flavors"] = {"note": {"data": "note.txt"}, "sklearn": {}}
    file.write_text(yaml.safe_dump(body), encoding="utf-8")
    with pytest.raises(InvalidValue, match="saved in several flavors, note, sklearn"):
        chiplog.models.load_model("there")
