"""What every plugin must do, whatever it provides. Subclass the kit, name the plugin, run pytest.

class TestPlugin(PluginKit):
    plugin = "mine"
"""

from __future__ import annotations

import re
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from chiplog.core.autolog import engine
from chiplog.core.autolog.config import AutologConfig
from chiplog.core.autolog.versions import installed_version, is_known
from chiplog.hooks.manager import GROUP, plugins
from chiplog.testing.integration_kit.fresh import run_fresh
from chiplog.testing.saying import check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration
    from chiplog.core.models.flavor import Flavor
    from chiplog.hooks.manager import PluginInfo


class PluginKit:
    """Tests of a plugin as a whole: that it is found, loads, and costs nothing until it is used.

    Attributes:
        plugin: its name, as the entry point in the group ``chiplog`` has it.
    """

    plugin: ClassVar[str]

    @property
    def info(self) -> PluginInfo:
        """What chiplog knows of the plugin."""
        found = [info for info in plugins().infos if info.name == self.plugin]
        check(
            found,
            says="a plugin is found by its entry point in the group 'chiplog'",
            seen=f"there are plugins {sorted(info.name for info in plugins().infos)}",
            do=f'write [project.entry-points.chiplog] {self.plugin} = "your_package", and install '
            "the distribution (pip install -e .)",
        )
        return found[0]

    def test_it_is_found_by_its_entry_point_and_loads(self) -> None:
        info = self.info
        check(
            info.error is None and not info.disabled,
            says="a plugin loads",
            seen=info.error or "it is disabled",
            do="import it yourself to see the traceback; CHIPLOG_DISABLED_PLUGINS switches off",
        )
        check(
            info.hooks,
            says="a plugin implements at least one hook",
            seen=f"{info.module} implements none",
            do="mark a function with @hookimpl; its name begins with chiplog_",
        )

    def test_its_distribution_says_that_it_needs_chiplog(self) -> None:
        (entry,) = metadata.entry_points(group=GROUP, name=self.plugin)
        assert entry.dist is not None
        if entry.dist.name == "chiplog":
            return
        needed = [re.split(r"[^\w.-]", need)[0].lower() for need in entry.dist.requires or ()]
        check(
            "chiplog" in needed,
            says="a plugin's distribution depends on chiplog",
            seen=f"{entry.dist.name} depends on {needed or 'nothing'}",
            do='add dependencies = ["chiplog"] to its pyproject.toml',
        )

    def test_nothing_is_imported_before_it_is_needed(self) -> None:
        awaited = sorted({m for one in self.integrations() for m in one.modules})
        done = run_fresh(
            type(self),
            f"""
            import chiplog
            chiplog.autolog()
            from chiplog.core.models.flavor import flavors
            flavors()
            print(*sorted(set({awaited!r}) & set(sys.modules)))
            """,
        )
        assert done.returncode == 0, done.stderr
        check(
            not done.stdout.strip(),
            says="neither autolog() nor asking for flavors imports a framework",
            seen=f"imported: {done.stdout.strip()}",
            do="keep the manifest to hook functions that import inside themselves, and the "
            "framework out of the module of the integration: read it in points()",
        )

    def test_its_integrations_are_filled_in(self) -> None:
        for one in self.integrations():
            where = f"{type(one).__module__}.{type(one).__qualname__}"
            check(
                re.fullmatch(r"[a-z][a-z0-9_]*", one.name),
                says="an integration's name is a lower-case identifier: chiplog.<name> is its face",
                seen=f"{where}.name = {one.name!r}",
                do="choose another name",
            )
            check(
                engine.integrations().get(one.name).__class__ is type(one),
                says="no two plugins record the same framework",
                seen=f"{one.name!r} is recorded by {engine.integrations().get(one.name)!r}",
                do="choose another name, or uninstall the other plugin",
            )
            check(
                one.modules and one.distribution,
                says="an integration names its framework's distribution and modules",
                seen=f"{where}: distribution {one.distribution!r}, modules {one.modules!r}",
                do="fill in Integration.distribution and Integration.modules",
            )
            self._check_options(one.options, where)

    def test_the_installed_framework_is_among_the_versions_it_knows(self) -> None:
        for one in self.integrations():
            try:
                module = import_module(one.modules[0])
            except ImportError:
                pytest.skip(f"{one.modules[0]} is not installed")
            version = installed_version(module, one.distribution)
            check(
                is_known(version, one.versions),
                says="the kit runs against a version of the framework that is supported",
                seen=f"{one.distribution} {version} is installed; known are {one.versions!r}",
                do="install a version that is known, or widen Integration.versions",
            )

    def test_each_integration_and_flavor_has_a_public_module(self) -> None:
        parts: list[tuple[Integration | Flavor, tuple[str, ...]]] = [
            *((one, ("autolog",)) for one in self.integrations()),
            *((one, ("save_model", "log_model", "load_model")) for one in self.flavors()),
        ]
        for provided, wanted in parts:
            where = f"{type(provided).__module__}.{type(provided).__qualname__}"
            check(
                provided.module,
                says="chiplog.<name> stands for a public module of the plugin's",
                seen=f"{where}.module is empty",
                do='name it, such as module = "your_package.api"',
            )
            module = import_module(f"chiplog.{provided.name}")
            missing = [name for name in wanted if not hasattr(module, name)]
            check(
                not missing,
                says="the public module offers autolog, and save_model, log_model and load_model "
                "where there is a flavor",
                seen=f"{module.__name__} lacks {', '.join(missing)}",
                do='write autolog = flavor_autolog("<name>"), and the three functions',
            )

    def test_its_flavors_are_complete(self) -> None:
        for one in self.flavors():
            missing = [n for n in ("can_save", "save", "load", "predict") if not hasattr(one, n)]
            check(
                not missing,
                says="a flavor saves, loads and predicts",
                seen=f"{type(one).__qualname__} lacks {', '.join(missing)}",
                do="write the methods of chiplog.plugins.Flavor",
            )

    def test_it_leaves_what_is_not_its_own_to_others(self) -> None:
        for hook in ("chiplog_tracking_store", "chiplog_artifact_store"):
            opened = self.answer(hook, uri="no-such-scheme://somewhere")
            check(
                opened is None,
                says="a store's hook hands back None for URIs that are not its own",
                seen=f"{hook} opens 'no-such-scheme://somewhere'",
                do="look at the URI's scheme first",
            )

    def test_its_run_context_is_text(self) -> None:
        for hook in ("chiplog_run_context", "chiplog_run_context_late"):
            tags = self.answer(hook) or {}
            bad = {k: v for k, v in tags.items() if not isinstance(k, str) or type(v) is not str}
            check(
                not bad,
                says="a run's context is tags: texts by name",
                seen=repr(bad),
                do="turn the values into text",
            )

    # Tools

    def integrations(self) -> list[Integration]:
        """The integrations that the plugin provides."""
        return list(self.answer("chiplog_instrumentors") or ())

    def flavors(self) -> list[Flavor]:
        """The flavors that the plugin provides."""
        return list(self.answer("chiplog_flavors") or ())

    def answer(self, hook: str, **arguments: Any) -> Any:
        """What the plugin itself answers to a hook; None if it does not implement it."""
        assert self.info.error is None, self.info.error
        plugin = plugins().get_plugin(self.plugin)
        implementations: Iterable[Any] = getattr(plugins().hook, hook).get_hookimpls()
        for found in implementations:
            if found.plugin is plugin:
                return found.function(*(arguments[name] for name in found.argnames))
        return None

    def _check_options(self, options: Any, where: str) -> None:
        fit = isinstance(options, type) and issubclass(options, AutologConfig)
        check(
            fit and is_dataclass(options) and vars(options)["__dataclass_params__"].frozen,
            says="an integration's settings are a frozen dataclass below AutologConfig",
            seen=f"{where}.options is {options!r}",
            do="write @dataclass(frozen=True, kw_only=True) class MyConfig(AutologConfig)",
        )
        bare = [
            field.name
            for field in fields(options)
            if field.default is MISSING and field.default_factory is MISSING
        ]
        check(
            not bare,
            says="autolog() can be called without arguments",
            seen=f"settings without a default: {', '.join(bare)}",
            do="give each a default",
        )
