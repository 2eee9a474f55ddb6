"""One file a figure; here the order in which they are run."""

from __future__ import annotations

from benchmarks.figures import (
    autolog,
    disk,
    imports,
    log_metric,
    models,
    processes,
    random_kills,
    search,
    short_run,
    survival,
    sustained,
    training,
)

ALL = {
    figure.name: figure
    for figure in (
        imports.FIGURE,
        log_metric.FIGURE,
        sustained.FIGURE,
        disk.FIGURE,
        short_run.FIGURE,
        autolog.FIT,
        autolog.GRID,
        *training.FIGURES,
        training.MEMORY,
        models.SAVING,
        models.ENFORCEMENT,
        search.FIGURE,
        survival.FIGURE,
        random_kills.FIGURE,
        processes.FIGURE,
    )
}
