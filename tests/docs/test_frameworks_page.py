"""The versions of frameworks stand in one place, which the page and the packaging repeat."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from chiplog.core.autolog.engine import integrations
from chiplog.core.autolog.versions import is_known

ROOT = Path(__file__).parents[2]
OWN = {
    name: found
    for name, found in integrations().items()
    if type(found).__module__.startswith("chiplog.integrations.")
}
BUILDS = {"tensorflow-cpu": "tensorflow", "xgboost-cpu": "xgboost"}


def test_the_page_tells_the_versions_that_the_integrations_do() -> None:
    page = (ROOT / "docs" / "frameworks.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([\w-]+) \| (\S+) \|$", page, re.MULTILINE)
    told = {name: (distribution, versions) for name, distribution, versions in rows}
    assert told == {name: (one.distribution, one.versions) for name, one in OWN.items()}


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_range_has_an_oldest_version_and_can_be_read(name: str) -> None:
    versions = OWN[name].versions
    oldest = re.match(r">=\s*([0-9.]+)", versions)
    assert oldest is not None, versions
    assert is_known(oldest[1], versions)
    assert not is_known("0.0.1", versions)


def test_the_extras_ask_for_no_version_that_is_not_known_to_work() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ranges = {one.distribution: one.versions for one in OWN.values()}
    asked = [
        re.fullmatch(r"([\w-]+)(?:>=|==)([0-9.]+)", requirement)
        for extra in project["optional-dependencies"].values()
        for requirement in extra
    ]
    checked = set()
    for found in filter(None, asked):
        distribution = BUILDS.get(found[1], found[1])
        if distribution in ranges:
            assert is_known(found[2], ranges[distribution]), found[0]
            checked.add(distribution)
    assert {"scikit-learn", "torch", "lightning"} <= checked
