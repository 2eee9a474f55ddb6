"""The settings of taking TensorBoard's data along."""

from __future__ import annotations

from dataclasses import dataclass

from chiplog.core.autolog.config import AutologConfig


@dataclass(frozen=True, kw_only=True)
class TensorBoardConfig(AutologConfig):
    """Settings of ``chiplog.tensorboard.autolog()``.

    Attributes:
        log_histograms: record minimum, maximum, mean, deviation and quantiles of histograms.
        log_media: store texts and images, figures among them, as files of the run.
    """

    log_histograms: bool = True
    log_media: bool = True
