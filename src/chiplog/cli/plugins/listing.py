"""``chiplog plugins list``: what is loaded, from where, and what it provides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chiplog.cli.options import json_option

if TYPE_CHECKING:
    from chiplog.hooks.manager import PluginInfo, PluginManager

_PROVIDES = {
    "chiplog_cli": "commands",
    "chiplog_run_context": "run context",
    "chiplog_run_context_files": "run context files",
    "chiplog_run_context_late": "run context",
    "chiplog_tracking_store": "tracking store",
    "chiplog_artifact_store": "artifact store",
    "chiplog_registry_store": "model registry",
    "chiplog_training_started": "training events",
    "chiplog_training_finished": "training events",
    "chiplog_run_started": "run events",
    "chiplog_run_ended": "run events",
    "chiplog_metrics_recorded": "metric events",
    "chiplog_model_logged": "model events",
}


@click.command("list")
@click.option("--verbose", is_flag=True, help="Also show each plugin's module and hooks.")
@json_option
def command(verbose: bool, as_json: bool) -> None:
    """List the plugins, and what each provides.

    Plugins that could not be loaded are listed with the reason, those that are switched off by
    CHIPLOG_DISABLED_PLUGINS as disabled.
    """
    list_plugins(verbose=verbose, as_json=as_json)


def list_plugins(*, verbose: bool, as_json: bool) -> None:
    """Print the plugins, and what each provides."""
    from chiplog.hooks.manager import plugins

    manager = plugins()
    entries = [_entry(manager, info) for info in manager.infos]
    if as_json:
        from chiplog.cli.terminal import echo_json

        echo_json(entries)
        return
    _show(entries, verbose=verbose)


def _entry(manager: PluginManager, info: PluginInfo) -> dict[str, Any]:
    status = "broken" if info.error else "disabled" if info.disabled else "loaded"
    return {
        "name": info.name,
        "status": status,
        "distribution": info.distribution,
        "version": info.version,
        "module": info.module,
        "provides": _provides(manager, info),
        "hooks": list(info.hooks),
        "error": info.error,
    }


def _provides(manager: PluginManager, info: PluginInfo) -> list[str]:
    """In a few words, what a plugin adds."""
    plugin = manager.get_plugin(info.name)
    words: dict[str, None] = {}
    if "chiplog_instrumentors" in info.hooks:
        for integration in _ask(manager, plugin, "chiplog_instrumentors") or ():
            words[f"autologging of {integration.distribution} {integration.versions}".strip()] = (
                None
            )
    if "chiplog_flavors" in info.hooks:
        for flavor in _ask(manager, plugin, "chiplog_flavors") or ():
            words[f"models of {getattr(flavor, 'name', flavor)}"] = None
    if "chiplog_evaluators" in info.hooks:
        for evaluator in _ask(manager, plugin, "chiplog_evaluators") or ():
            words[f"evaluator {evaluator.name}"] = None
    for hook in info.hooks:
        if hook in _PROVIDES:
            words[_PROVIDES[hook] + _schemes(manager, plugin, hook)] = None
    return list(words)


def _schemes(manager: PluginManager, plugin: Any, hook: str) -> str:
    """The URI schemes of a hook that opens stores, in brackets; empty for any other."""
    if not hook.endswith("_store"):
        return ""
    kind = hook.removeprefix("chiplog_").removesuffix("_store")
    schemes = _ask(manager, plugin, "chiplog_store_schemes", kind=kind)
    return f" ({', '.join(schemes)})" if schemes else ""


def _ask(manager: PluginManager, plugin: Any, hook: str, **arguments: Any) -> Any:
    """What one plugin answers to a hook; None if it has no answer, or fails."""
    from chiplog.hooks.guard import quietly

    for found in getattr(manager.hook, hook).get_hookimpls():
        if found.plugin is plugin:
            given = [arguments[name] for name in found.argnames]
            name = manager.get_name(plugin)
            return quietly(f"Asking the plugin {name!r} for {hook}", found.function, None, *given)
    return None


def _show(entries: list[dict[str, Any]], *, verbose: bool) -> None:
    from rich.text import Text

    from chiplog.cli.render.table import Column, Table
    from chiplog.cli.terminal import terminal

    out = terminal()
    table = Table(
        [
            Column(""),
            Column("PLUGIN", style="bold"),
            Column("FROM", shrink=16),
            Column("PROVIDES", shrink=20),
        ]
    )
    for entry in entries:
        mark = {"loaded": True, "broken": False}.get(entry["status"])
        marked = Text("-", style="dim") if entry["status"] == "disabled" else out.mark(mark)
        source = f"{entry['distribution']} {entry['version']}".strip()
        told = {"disabled": "disabled", "broken": "could not be loaded, see below"}
        table.add(
            marked, entry["name"], source, told.get(entry["status"]) or ", ".join(entry["provides"])
        )
    out.table(table)
    for entry in entries:
        if entry["error"]:
            out.print("", Text(f"{entry['name']}: {entry['error']}", style="red"))
            out.note(
                f"Install another version of {entry['distribution']}, uninstall it, "
                f"or set CHIPLOG_DISABLED_PLUGINS={entry['name']}."
            )
    if verbose:
        for entry in entries:
            out.title(entry["name"])
            out.fields(
                [("module", entry["module"]), ("hooks", ", ".join(entry["hooks"]) or "none")]
            )
