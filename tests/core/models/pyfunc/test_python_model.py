"""Models that their authors write: saved, trusted, loaded, asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import chiplog
from chiplog.core.errors import InvalidValue, MissingFile, MissingLibrary, NotFound, UntrustedModel
from chiplog.core.models.entry import NotImplementedYet

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("project")


class Greeter(chiplog.pyfunc.PythonModel):
    def load_context(self, context: Any) -> None:
        self.greeting = Path(context.artifacts["greeting"]).read_text(encoding="utf-8")

    def predict(self, context: Any, model_input: Any, params: Any = None) -> list[str]:
        mark = (params or context.model_config).get("mark", ".")
        return [f"{self.greeting}, {name}{mark}" for name in model_input]


class Counter(chiplog.pyfunc.PythonModel):
    def predict(self, model_input: Any) -> list[Any]:
        return [*model_input]

    def predict_stream(self, context: Any, model_input: Any, params: Any = None) -> Iterator[Any]:
        yield from model_input


def saved_greeter(name: str, **given: Any) -> None:
    Path("hello.txt").write_text("Hello", encoding="utf-8")
    chiplog.pyfunc.save_model(
        name, python_model=Greeter(), artifacts={"greeting": "hello.txt"}, **given
    )


def function_settings(directory: str) -> dict[str, Any]:
    body = yaml.safe_load((Path(directory) / "MLmodel").read_text(encoding="utf-8"))
    settings: dict[str, Any] = body["flavors"]["python_function"]
    return settings


def test_a_model_finds_its_artifacts_and_settings_where_it_is_loaded() -> None:
    saved_greeter("model", model_config={"mark": "!"})
    Path("hello.txt").unlink()
    model = chiplog.pyfunc.load_model("model", allow_pickle=True)
    assert model.predict(["you"]) == ["Hello, you!"]
    assert model.model_config == {"mark": "!"}
    assert isinstance(model.unwrap_python_model(), Greeter)


def test_settings_given_at_load_win_over_those_that_were_saved() -> None:
    saved_greeter("model", model_config={"mark": "!", "other": 1})
    Path("settings.yaml").write_text("mark: '?'\n", encoding="utf-8")
    model = chiplog.pyfunc.load_model("model", model_config="settings.yaml", allow_pickle=True)
    assert model.predict(["you"]) == ["Hello, you?"]
    assert model.model_config == {"mark": "?", "other": 1}


def test_parameters_reach_the_model_if_its_signature_has_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    signature = chiplog.models.infer_signature(params={"mark": "!"})
    saved_greeter("model", signature=signature)
    model = chiplog.pyfunc.load_model("model", allow_pickle=True)
    assert model.predict(["you"], {"mark": "#"}) == ["Hello, you#"]
    assert model.predict(["you"]) == ["Hello, you!"]
    saved_greeter("without")
    without = chiplog.pyfunc.load_model("without", allow_pickle=True)
    assert without.predict(["you"], {"mark": "#"}) == ["Hello, you."]
    assert "'mark'" in caplog.text


def test_a_pickled_model_is_loaded_only_when_trusted_and_what_it_names_is_listed() -> None:
    saved_greeter("model")
    with pytest.raises(UntrustedModel, match="It names:") as caught:
        chiplog.pyfunc.load_model("model")
    assert "allow_pickle=True" in str(caught.value)
    assert any(name.endswith("test_python_model.Greeter") for name in caught.value.names)


def test_the_environment_may_trust_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    saved_greeter("model")
    monkeypatch.setenv("CHIPLOG_ALLOW_PICKLE_DESERIALIZATION", "true")
    assert chiplog.pyfunc.load_model("model").predict(["a"]) == ["Hello, a."]
    monkeypatch.setenv("CHIPLOG_ALLOW_MODEL_CODE_EXECUTION", "false")
    with pytest.raises(UntrustedModel, match="ALLOW_MODEL_CODE_EXECUTION is off"):
        chiplog.pyfunc.load_model("model")


def test_a_function_is_a_model_and_its_hints_are_its_signature() -> None:
    def shout(rows: list[str], params: Any = None) -> list[str]:
        return [row.upper() + (params or {}).get("mark", "") for row in rows]

    chiplog.pyfunc.save_model("model", python_model=shout)
    model = chiplog.pyfunc.load_model("model", allow_pickle=True)
    assert model.predict(["a", "b"]) == ["A", "B"]
    assert model.metadata.signature is not None
    assert str(model.metadata.signature.inputs) == "[string (required)]"
    with pytest.raises(InvalidValue, match="row 1"):
        model.predict(["a", 2])


def test_a_model_may_give_its_prediction_in_parts() -> None:
    chiplog.pyfunc.save_model("model", python_model=Counter())
    assert function_settings("model")["streamable"] is True
    model = chiplog.pyfunc.load_model("model", allow_pickle=True)
    assert list(model.predict_stream([1, 2])) == [1, 2]
    assert model.predict([1, 2]) == [1, 2]


def test_a_signature_is_read_off_the_input_example_without_changing_the_users_model() -> None:
    Path("hello.txt").write_text("Hi", encoding="utf-8")
    mine = Greeter()
    chiplog.pyfunc.save_model(
        "model",
        python_model=mine,
        artifacts={"greeting": "hello.txt"},
        input_example=(["you"], {"mark": "!"}),
    )
    assert not hasattr(mine, "greeting")
    model = chiplog.pyfunc.load_model("model", allow_pickle=True)
    signature = model.metadata.signature
    assert signature is not None
    assert signature.params is not None
    assert [param.name for param in signature.params] == ["mark"]
    assert model.input_example == ["you"]
    assert model.metadata.load_input_example_params("model") == {"mark": "!"}


def test_two_artifacts_of_one_file_name_are_both_kept() -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        Path(folder, "data.txt").write_text(folder, encoding="utf-8")
    chiplog.pyfunc.save_model(
        "model",
        python_model=Counter(),
        artifacts={"first": "one/data.txt", "second": Path("two/data.txt")},  # type: ignore[dict-item]  # paths do as well
    )
    entries = function_settings("model")["artifacts"]
    texts = [Path("model", entries[name]["path"]).read_text() for name in ("first", "second")]
    assert texts == ["one", "two"]


def test_an_artifact_may_be_a_folder_and_may_come_from_a_run() -> None:
    Path("folder").mkdir()
    Path("folder", "hello.txt").write_text("Moin", encoding="utf-8")
    with chiplog.start_run() as run:
        chiplog.log_artifacts("folder", "texts")
    uri = f"runs:/{run.info.run_id}/texts/hello.txt"
    chiplog.pyfunc.save_model("model", python_model=Greeter(), artifacts={"greeting": uri})
    assert function_settings("model")["artifacts"]["greeting"]["uri"] == uri
    model = chiplog.pyfunc.load_model("model", allow_pickle=True)
    assert model.predict(["a"]) == ["Moin, a."]


def test_a_logged_model_is_loaded_by_every_uri_it_has() -> None:
    with chiplog.start_run() as run:
        info = chiplog.pyfunc.log_model(name="count", python_model=Counter(), params={"p": 1})
    assert info.model_uri == f"models:/{info.model_id}"
    assert info.params == {"p": "1"}
    uris = [
        info.model_uri,
        f"runs:/{run.info.run_id}/count",
        f"runs:/{run.info.run_id}/count/MLmodel",
        info.artifact_path,
        f"file://{info.artifact_path}",
        f"{info.artifact_path}/MLmodel",
    ]
    for uri in uris:
        model = chiplog.pyfunc.load_model(uri, allow_pickle=True)
        assert model.predict([1]) == [1]
        assert model.model_id == info.model_id


def test_what_cannot_be_saved_is_said_before_anything_is_written() -> None:
    refused: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({}, InvalidValue, "neither was given"),
        ({"python_model": Counter(), "loader_module": "m"}, InvalidValue, "both were given"),
        ({"python_model": Counter}, InvalidValue, r"give an object of it: Counter\(\)"),
        ({"python_model": 7}, InvalidValue, "A int is no model"),
        ({"python_model": lambda a, b: a}, InvalidValue, r"takes the data.*<lambda>\(a, b\)"),
        ({"python_model": lambda: 1}, InvalidValue, "takes the data"),
        ({"python_model": "nowhere.py"}, MissingFile, "no such file"),
        ({"loader_module": "m", "artifacts": {"a": "b"}}, InvalidValue, "artifacts go with"),
        ({"python_model": Counter(), "data_path": "x"}, InvalidValue, "data_path goes with"),
        ({"python_model": Counter(), "infer_code_paths": True}, NotImplementedYet, "code_paths"),
        ({"python_model": Counter(), "model_config": "no.yaml"}, InvalidValue, "no file"),
    ]
    for given, error, text in refused:
        with pytest.raises(error, match=text):
            chiplog.pyfunc.save_model("model", **given)
        assert not Path("model").exists()


def test_a_save_that_fails_leaves_nothing_behind() -> None:
    Path("empty").mkdir()
    for path in ("empty", "new"):
        with pytest.raises(NotFound, match="no file or folder 'nowhere'"):
            chiplog.pyfunc.save_model(path, python_model=Counter(), artifacts={"a": "nowhere"})
    assert not list(Path("empty").iterdir())
    assert not Path("new").exists()


def test_without_cloudpickle_the_error_names_what_to_install_and_the_other_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(MissingLibrary, match=r"chiplog\[pyfunc\](.|\n)*model\.py"):
        chiplog.pyfunc.save_model("model", python_model=Counter())


def test_a_model_without_predict_says_so() -> None:
    chiplog.pyfunc.save_model("model", python_model=chiplog.pyfunc.PythonModel())
    model = chiplog.pyfunc.load_model("model", allow_pickle=True)
    with pytest.raises(NotImplementedError, match="PythonModel has no predict"):
        model.predict(1)
