"""Whether a plugin passes the whole kit: nothing missing, nothing failed, nothing overridden."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.testing.artifact_kit import ArtifactStoreKit
from chiplog.testing.flavor_kit import FlavorKit
from chiplog.testing.integration_kit import IntegrationKit
from chiplog.testing.plugin_kit import PluginKit
from chiplog.testing.store_kit import StoreKit

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Which kit each part of a plugin passes, and the attribute that says of what.
KITS: dict[str, tuple[type, str | None]] = {
    "plugin": (PluginKit, "plugin"),
    "integration": (IntegrationKit, "integration"),
    "flavor": (FlavorKit, "flavor"),
    "tracking store": (StoreKit, None),
    "artifact store": (ArtifactStoreKit, None),
}


@dataclass
class Part:
    """A part of the plugin, and how its tests went.

    Attributes:
        kind: a key of :data:`KITS`.
        name: which one, such as the flavor's name.
        outcomes: of each test, ``passed``, ``failed`` or ``skipped``.
        reasons: why tests were skipped.
        overridden: tests of the kit that the author replaced.
    """

    kind: str
    name: str
    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    overridden: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)

    @property
    def wanted(self) -> set[str]:
        """The names of the kit's tests."""
        kit, _ = KITS[self.kind]
        return {name for name in dir(kit) if name.startswith("test")}

    @property
    def problem(self) -> str | None:
        """Why this part is not certified, or None."""
        if not self.outcomes:
            return "there are no tests of it"
        failed = sum(outcome == "failed" for outcome in self.outcomes.values())
        if failed:
            return f"{failed} failed"
        if self.overridden:
            return f"overrides {', '.join(sorted(self.overridden))}"
        missing = self.wanted - self.methods
        if missing:
            return f"{len(missing)} were not run, such as {min(missing)}"
        return None

    @property
    def count(self) -> str:
        """How many passed and were left out, in words."""
        outcomes = list(self.outcomes.values())
        left_out = outcomes.count("skipped")
        return f"{outcomes.count('passed')} passed" + (f", {left_out} left out" * bool(left_out))

    def advice(self) -> Iterator[str]:
        """The lines to add, if there are no tests of this part."""
        if self.outcomes:
            return
        kit, attribute = KITS[self.kind]
        title = "".join(word.title() for word in f"{self.name} {self.kind}".split())
        yield f"from chiplog.testing import {kit.__name__}"
        yield f"class Test{title.replace('_', '')}({kit.__name__}):"
        yield f"    {attribute} = {self.name!r}" if attribute else "    ..."


class Certification:
    """Watches the tests of a pytest session, and says at its end whether a plugin is certified."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.parts: list[Part] = []
        self.others_failed: set[str] = set()
        self._of: dict[str, tuple[Part, str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Find the tests that belong to a kit."""
        self.parts = list(provided(self.plugin))
        for item in items:
            cls = getattr(item, "cls", None)
            for part in self.parts:
                kit, attribute = KITS[part.kind]
                if cls is None or not issubclass(cls, kit):
                    continue
                if attribute and getattr(cls, attribute, None) != part.name:
                    continue
                self._take(item, cls, part)

    def _take(self, item: pytest.Item, cls: type, part: Part) -> None:
        method = getattr(item, "originalname", item.name)
        kit, _ = KITS[part.kind]
        if not hasattr(kit, method):
            return
        self._of[item.nodeid] = (part, method)
        if getattr(cls, method) is not getattr(kit, method):
            part.overridden.add(method)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test went."""
        if report.nodeid not in self._of:
            if report.failed:
                self.others_failed.add(report.nodeid)
            return
        part, method = self._of[report.nodeid]
        known = part.outcomes.get(report.nodeid)
        if report.failed or (report.when == "call" and known != "failed") or report.skipped:
            part.outcomes[report.nodeid] = report.outcome
            part.methods.add(method)
        if report.skipped and isinstance(report.longrepr, tuple):
            part.reasons[method] = str(report.longrepr[2]).removeprefix("Skipped: ")

    @property
    def is_certified(self) -> bool:
        """Whether every part passed every test."""
        well = bool(self.parts) and not any(part.problem for part in self.parts)
        return well and not self.others_failed

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A plugin that is not certified is a failure."""
        if session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = (
                pytest.ExitCode.OK if self.is_certified else pytest.ExitCode.TESTS_FAILED
            )

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say so."""
        write = terminalreporter.write_line
        terminalreporter.section(f"chiplog plugin {self.plugin!r}")
        if not self.parts:
            write(f"There is no plugin {self.plugin!r} that loads; chiplog plugins lists them.")
            return
        for part in self.parts:
            problem = part.problem
            mark = "not ok" if problem else "ok"
            name = part.kind if part.kind == "plugin" else f"{part.kind} {part.name}".strip()
            write(f"{mark:>6}  {name}: {problem or part.count}")
            for line in part.advice():
                write(f"            {line}")
            for method, reason in part.reasons.items():
                write(f"            left out: {method} ({reason})")
        if self.others_failed:
            write(f"not ok  its own tests: {len(self.others_failed)} failed")
        version = metadata.version("chiplog")
        if self.is_certified:
            write(f"{self.plugin!r} is certified with chiplog {version}.", green=True)
        else:
            write(f"{self.plugin!r} is not certified with chiplog {version}.", red=True)


def provided(name: str) -> Iterator[Part]:
    """The parts of a plugin that are to be tested; none if it does not load."""
    from chiplog.hooks.manager import plugins

    infos = {info.name: info for info in plugins().infos}
    info = infos.get(name)
    if info is None or info.error or info.disabled:
        return
    yield Part("plugin", name)

    class Asked(PluginKit):
        plugin = name

    kit = Asked()
    for integration in kit.integrations():
        yield Part("integration", integration.name)
    for flavor in kit.flavors():
        yield Part("flavor", flavor.name)
    for kind in ("tracking", "artifact"):
        if f"chiplog_{kind}_store" in info.hooks:
            yield Part(f"{kind} store", "")
