"""``chiplog runs create``."""

from __future__ import annotations

import click

from chiplog.core.tags import DESCRIPTION


@click.command("create")
@click.option(
    "--experiment-id",
    "-x",
    envvar=["CHIPLOG_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_ID"],
    help="The experiment the run belongs to.",
)
@click.option(
    "--experiment-name",
    "-n",
    envvar=["CHIPLOG_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_NAME"],
    help="The same, by name; created if there is none.",
)
@click.option("--run-name", help="The run's name.  [default: a random one]")
@click.option("--description", help="A note on the run.")
@click.option("--tags", "-t", "tags", multiple=True, metavar="KEY=VALUE", help="May be repeated.")
@click.option(
    "--status",
    type=click.Choice(["FINISHED", "FAILED", "KILLED"], case_sensitive=False),
    default="FINISHED",
    show_default=True,
    help="How the run ended.",
)
@click.option("--parent-run-id", metavar="RUN", help="The run this one is a child of.")
def command(
    experiment_id: str | None,
    experiment_name: str | None,
    run_name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    status: str,
    parent_run_id: str | None,
) -> None:
    """Create a run that has ended already, and print it as JSON."""
    if experiment_id is not None and experiment_name is not None:
        raise click.UsageError("Give --experiment-id or --experiment-name, not both.")
    all_tags = _parsed(tags)
    if description is not None:
        all_tags[DESCRIPTION] = description

    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_or_create_project
    from chiplog.cli.terminal import echo_json
    from chiplog.core import experiments
    from chiplog.core.client import ChiplogClient
    from chiplog.core.context import run_context_tags
    from chiplog.core.tags import PARENT_RUN_ID

    store = open_or_create_project()
    if parent_run_id is not None:
        all_tags[PARENT_RUN_ID] = find_run(store, parent_run_id).info.run_id
    client = ChiplogClient(store.uri)
    if experiment_name is not None:
        experiment_id = experiments.get_or_create(store.uri, experiment_name).experiment_id
    run = client.create_run(
        experiment_id or "0", tags=run_context_tags(all_tags), run_name=run_name
    )
    client.set_terminated(run.info.run_id, status.upper())
    made = client.get_run(run.info.run_id).info
    echo_json(
        {
            "run_id": made.run_id,
            "experiment_id": made.experiment_id,
            "status": made.status,
            "run_name": made.run_name,
        }
    )


def _parsed(tags: tuple[str, ...]) -> dict[str, str]:
    parsed: dict[str, str] = {}
    for text in tags:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{text!r} is no KEY=VALUE.", param_hint="'--tags'")
        if key in parsed:
            raise click.BadParameter(f"the tag {key!r} is given twice.", param_hint="'--tags'")
        parsed[key] = value
    return parsed
