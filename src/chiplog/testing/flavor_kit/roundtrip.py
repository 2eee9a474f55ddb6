"""Tests that a model comes back as it went in, from wherever it is loaded."""

from __future__ import annotations

import inspect
import pickle
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.models.flavor import PYTHON_FUNCTION
from chiplog.core.models.model import Model
from chiplog.core.models.pyfunc.loading import load_model as load_function
from chiplog.core.models.signature import infer_signature
from chiplog.core.runs.lifecycle import start_run
from chiplog.testing.flavor_kit.form import FlavorForm
from chiplog.testing.integration_kit.fresh import run_fresh
from chiplog.testing.saying import check

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.testing.project import Project

COMMON_ARGUMENTS = (
    "name",
    "signature",
    "input_example",
    "metadata",
    "pip_requirements",
    "extra_pip_requirements",
    "code_paths",
)


class RoundTripTests(FlavorForm):
    """Saved and loaded is the same."""

    def test_what_was_saved_comes_back_with_the_same_predictions(
        self, saved: Path, model: Any
    ) -> None:
        loaded = self.load(saved)
        check(
            type(loaded) is type(model),
            says="a model comes back as what it was",
            seen=f"a {type(model).__name__} was saved, a {type(loaded).__name__} loaded",
            do="keep the class's name among the settings, and make that class in load()",
        )
        check(
            self.predict(loaded) == self.predict(model),
            says="a loaded model predicts as the saved one, to the bit",
            seen="the predictions differ",
            do="save in a format that keeps every bit; text formats often round",
        )

    def test_a_saved_model_is_used_as_a_function(self, saved: Path, model: Any) -> None:
        if PYTHON_FUNCTION not in Model.load(saved).flavors:
            pytest.skip("this model is not offered as a python_function")
        loaded = load_function(saved, **self.trusting)
        check(
            self.as_bytes(loaded.predict(self.make_input())) == self.predict(model),
            says="chiplog.pyfunc gives what the flavor's predict gives",
            seen="the predictions differ",
            do="in predict(), read what was asked for on saving from the settings too, which are "
            "its options when a model was loaded",
        )

    def test_saving_leaves_the_model_as_it_was(self, project: Project, model: Any) -> None:
        before = (self.predict(model), _picture(model))
        self.save(model, project.path / "m")
        check(
            (self.predict(model), _picture(model)) == before,
            says="saving changes nothing of the user's model",
            seen="its predictions or its pickle are others after save()",
            do="save a copy, or put back what saving sets (a mode, a device, a hook)",
        )

    @pytest.mark.parametrize("name", ["with spaces", "ümlaut-模型", "a'b;c&d"])
    def test_any_directory_will_do(self, project: Project, model: Any, name: str) -> None:
        saved = self.save(model, project.path / name / "m")
        assert self.predict(self.load(saved)) == self.predict(model)

    def test_a_model_of_a_run_is_loaded_from_the_run(self, model: Any) -> None:
        public = self._public()
        with start_run() as run:
            info = public.log_model(model, name="mine", **self.asking)
        uri = f"runs:/{run.info.run_id}/mine"
        assert self.predict(public.load_model(uri, **self.trusting)) == self.predict(model)
        loaded = public.load_model(info.model_uri, **self.trusting)
        assert self.predict(loaded) == self.predict(model)

    def test_a_signature_and_an_example_are_kept(self, project: Project, model: Any) -> None:
        data = self.make_input()
        given = self.the_flavor.predict(model, data, self.options)
        signature = infer_signature(data, given)
        path = self.save(model, project.path / "m", signature=signature, input_example=data)
        mlmodel = Model.load(path)
        assert mlmodel.signature is not None
        assert mlmodel.signature.to_dict() == signature.to_dict()
        assert mlmodel.saved_input_example_info is not None
        assert self.predict(self.load(path)) == self.predict(model)

    def test_the_public_module_saves_logs_and_loads(self, project: Project, model: Any) -> None:
        public = self._public()
        for function in (public.save_model, public.log_model):
            missing = {*COMMON_ARGUMENTS} - {*inspect.signature(function).parameters}
            missing -= {"name"} if function is public.save_model else set()
            check(
                not missing,
                says="save_model and log_model take what they take in every flavor",
                seen=f"{function.__name__} does not take {', '.join(sorted(missing))}",
                do="hand them on to ModelContent; see examples/plugins in chiplog's repository",
            )
        path = project.path / "public"
        public.save_model(model, path, **self.asking)
        assert self.predict(public.load_model(path, **self.trusting)) == self.predict(model)

    def test_a_fresh_process_loads_it_by_the_plugins_entry_point_alone(self, saved: Path) -> None:
        done = run_fresh(
            type(self),
            f"""
            import chiplog
            assert {self.framework!r} not in sys.modules, "importing chiplog imports the framework"
            from chiplog.core.models.flavor import flavors
            assert {self.flavor!r} in flavors(), sorted(flavors())
            assert not flavors()[{self.flavor!r}].can_save(object())
            assert {self.framework!r} not in sys.modules, "asking can_save() imports the framework"
            load_model = chiplog.{self.flavor}.load_model
            print(type(load_model({str(saved)!r}, **{self.trusting!r})).__name__)
            """,
        )
        check(
            done.returncode == 0,
            says="a flavor is found and loads by its entry point alone, and imports its framework "
            "no sooner than it must",
            seen=done.stderr.strip()[-800:],
            do="name the hook chiplog_flavors in the manifest, import the framework inside save() "
            "and load(), and read sys.modules in can_save()",
        )
        assert done.stdout.strip() == self.settings_kind(saved)

    def settings_kind(self, saved: Path) -> str:
        """The class's name that a fresh process must come to."""
        return type(self.load(saved)).__name__

    def _public(self) -> Any:
        module = self.the_flavor.module
        public = import_module(module)
        alias = import_module(f"chiplog.{self.flavor}")
        check(
            alias is public,
            says="chiplog.<flavor> is the module that the flavor names",
            seen=f"chiplog.{self.flavor} is {alias.__name__}, not {module}",
            do="give flavor and integration the same name and the same module",
        )
        return public


def _picture(model: Any) -> bytes | None:
    try:
        return pickle.dumps(model)
    except Exception:
        return None
