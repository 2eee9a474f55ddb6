"""The example of a third party's plugin, installed and certified by nothing but its entry point."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugins" / "chiplog-catboost"

pytestmark = [pytest.mark.framework, pytest.mark.slow]

pytest.importorskip("catboost")


class Installed:
    """A folder that the example is installed into, and a program that finds it there."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "source"
        shutil.copytree(EXAMPLE, self.source)
        self.site = folder / "site"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CHIPLOG_", "MLFLOW_"))
        }
        here = self.environment.get("PYTHONPATH")
        self.environment["PYTHONPATH"] = os.pathsep.join(
            [str(self.site), *([here] if here else [])]
        )

    def run(self, *arguments: str, folder: Path | None = None) -> str:
        """Run Python in a folder; hands back its output."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder or self.source,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The example as ``pip`` installs it, without a network."""
    installed = Installed(tmp_path_factory.mktemp("example"))
    pip = ("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target")
    installed.run(*pip, str(installed.site), ".")
    return installed


def test_it_is_certified_by_its_own_tests(installed: Installed) -> None:
    said = installed.run("-m", "chiplog", "plugins", "certify", "catboost")
    assert "'catboost' is certified" in said
    for part in ("plugin:", "integration catboost:", "flavor catboost:"):
        assert f"    ok  {part}" in said


def test_one_line_records_a_users_training(installed: Installed, tmp_path: Path) -> None:
    script = """
import chiplog
from catboost import CatBoostRegressor
chiplog.autolog()
model = CatBoostRegressor(iterations=4, verbose=False, allow_writing_files=False)
model.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
(run,) = chiplog.search_runs(output_format="list")
loaded = chiplog.catboost.load_model(f"runs:/{run.info.run_id}/model")
print(run.data.params["iterations"], len(chiplog.get_metric_history(run.info.run_id, "learn-RMSE")))
print(type(loaded).__name__, (loaded.predict([[1.5]]) == model.predict([[1.5]])).all())
"""
    assert installed.run("-c", script, folder=tmp_path) == "4 4\nCatBoostRegressor True\n"
    assert "chiplog-catboost 0.1.0" in installed.run("-m", "chiplog", "plugins", folder=tmp_path)


def test_it_is_clean_and_typed_with_what_authors_may_use_alone(installed: Installed) -> None:
    installed.run("-m", "ruff", "check")
    installed.run("-m", "ruff", "format", "--check")
    installed.run("-m", "mypy")
    sources = [path.read_text() for path in (EXAMPLE / "src").rglob("*.py")]
    assert sources
    assert [text for text in sources if "chiplog.core" in text or "chiplog.hooks" in text] == []
