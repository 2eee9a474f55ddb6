"""Tests of what lies in a model's directory."""

from __future__ import annotations

import json
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.errors import NotFound
from chiplog.core.models.flavor import flavor_for
from chiplog.core.models.model import Model
from chiplog.testing.flavor_kit.form import FlavorForm
from chiplog.testing.saying import check

if TYPE_CHECKING:
    from pathlib import Path


class FileTests(FlavorForm):
    """MLflow's format: the MLmodel file, the environment, the flavor's own files."""

    def test_the_mlmodel_file_names_the_flavor_with_plain_settings(self, saved: Path) -> None:
        settings = self.settings(saved)
        try:
            same = json.loads(json.dumps(settings)) == settings
        except TypeError:
            same = False
        check(
            same,
            says="a flavor's settings are plain: texts, numbers, lists, mappings",
            seen=repr(settings),
            do="turn what is not plain into text in save()",
        )
        check(
            any("version" in name for name in settings),
            says="a flavor's settings say which version of the framework wrote the model",
            seen=f"settings {sorted(settings)}",
            do="add '<framework>_version' to Saved.settings",
        )

    def test_every_file_of_the_flavors_is_named_in_its_settings(self, saved: Path) -> None:
        settings = self.settings(saved)
        named = {value for value in settings.values() if isinstance(value, str)}
        files = [file.relative_to(saved).as_posix() for file in self.own_files(saved)]
        assert files, "the flavor wrote no file"
        lost = [f for f in files if not any(f == n or f.startswith(f"{n}/") for n in named)]
        check(
            not lost,
            says="the MLmodel file names the files or the folder that the flavor wrote",
            seen=f"not named: {', '.join(lost)}",
            do="put the file's name among the settings, such as {'data': 'model.bin'}",
        )

    def test_the_python_function_part_can_be_read_by_mlflow(self, saved: Path) -> None:
        part = Model.load(saved).flavors.get("python_function")
        if part is None:
            pytest.skip("this model is not offered as a python_function")
        assert isinstance(part["loader_module"], str)
        assert part["env"]
        assert part["python_version"]

    def test_the_requirements_pin_the_framework(self, saved: Path) -> None:
        lines = (saved / "requirements.txt").read_text(encoding="utf-8").split()
        wanted = self.distribution or self.framework
        version = metadata.version(wanted)
        found = [line for line in lines if _name(line) == _name(wanted)]
        check(
            found == [f"{found[0].partition('==')[0]}=={version}"] if found else False,
            says="requirements.txt pins the framework that the model needs",
            seen=f"{lines}",
            do=f"name the framework's module in Saved.modules, and its distribution ({wanted!r}) "
            "in the kit",
        )
        assert len({_name(line) for line in lines}) == len(lines), lines

    def test_only_what_is_the_frameworks_can_be_saved(self, model: Any) -> None:
        flavor = self.the_flavor
        assert flavor.can_save(model), f"can_save() refuses a {type(model).__name__}"
        for other in (None, 1, "text", object(), type(model), [model]):
            check(
                not flavor.can_save(other),
                says="can_save() is true of this framework's models alone",
                seen=f"it is true of {other!r:.80}",
                do="test with isinstance against the framework's own class, taken from sys.modules",
            )
        found = flavor_for(model)
        assert found is not None
        assert found.name == self.flavor, f"the flavor {found.name!r} takes it first"

    @pytest.mark.usefixtures("unverified")
    def test_a_file_that_is_missing_is_named(self, saved: Path, model: Any) -> None:
        for file in self.own_files(saved):
            data = file.read_bytes()
            file.unlink()
            seen = "another model was loaded"
            try:
                if self.predict(self.load(saved)) == self.predict(model):
                    continue  # not needed to load, such as a note on the writer
            except NotFound as error:
                seen = str(error)
            finally:
                file.write_bytes(data)
            check(
                file.name in seen,
                says="a file that is missing is named, in a NotFound",
                seen=f"without {file.name}: {seen}",
                do="find files with file_of(path, settings[...])",
            )


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[=<>!~;\[ ]", requirement, maxsplit=1)[0]).lower()
