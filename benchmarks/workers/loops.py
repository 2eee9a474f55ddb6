# mypy: ignore-errors
# (The frameworks are installed in part where the types are checked.)
# ruff: noqa: ARG001, ARG002 - all trainings take the same arguments, callbacks their framework's
"""Trainings of many small steps, one a framework: the same for every tool.

Each takes the time at every step by the same means, so that what a tool adds to a step is seen in
the steps themselves, and what it adds to the whole in the whole.
"""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import time
from itertools import pairwise
from pathlib import Path

WIDTH = 512
ROWS = 64
"""Sizes at which a step of plain PyTorch takes about a millisecond on one core."""

LONG = 2000
"""Steps from which on a training is long enough to measure the memory in it."""


class Stamps:
    """The beginnings of a training's steps, and the memory at two of them."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.times: list[float] = []
        self.cpu: list[float] = []
        self.memory: list[int] = []
        long = steps >= LONG  # looking takes tenths of a second, which a short training would show
        self._measured = {steps // 5, steps - 1} if long else set()

    def __call__(self) -> None:
        """A step begins."""
        if len(self.times) in self._measured:
            self.memory.append(resident())
        self.cpu.append(time.thread_time())
        self.times.append(time.perf_counter())

    def result(self, seconds: float) -> dict:
        """What the harness is told: the whole, a step in the middle, the growth of the memory."""
        steps = _between(self.times)
        grown = self.memory[-1] - self.memory[0] if len(self.memory) > 1 else 0
        return {
            "seconds": seconds,
            "step": statistics.median(steps),
            "mean": statistics.fmean(steps[: max(1, len(steps) * 98 // 100)]),
            "cpu": statistics.median(_between(self.cpu)),
            "grown": grown / (self.steps - self.steps // 5),
        }


def _between(stamps: list[float]) -> list[float]:
    """What the steps took, the shortest first, without the first tenth of them."""
    steps = [after - before for before, after in pairwise(stamps)]
    return sorted(steps[len(steps) // 10 :]) or [0.0]


def resident() -> int:
    """Bytes of this process that are in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def train(framework: str, steps: int, logger: str = "", log=None) -> dict:
    """Train; ``logger`` is one of the framework's own, ``log`` what a user writes by hand."""
    stamps = Stamps(steps)
    return stamps.result(_TRAININGS[framework](steps, stamps, logger, log))


def _torch(steps, stamps, logger, log) -> float:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, 1)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    features, target = torch.randn(ROWS, WIDTH), torch.randn(ROWS, 1)
    with _torch_logger(logger) as own:
        write = own or log
        start = time.perf_counter()
        for step in range(steps):
            stamps()
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(features), target)
            loss.backward()
            optimizer.step()
            if write is not None:
                write("loss", loss.item(), step)
    return time.perf_counter() - start


@contextlib.contextmanager
def _torch_logger(logger):
    if logger == "TensorBoard":
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter() as writer:
            yield writer.add_scalar
    elif logger == "CSV":
        with Path("loss.csv").open("w") as file:
            yield lambda key, value, step: file.write(f"{key},{value},{step}\n")
    else:
        yield None


def _lightning(steps, stamps, logger, log) -> float:
    import logging
    import warnings

    import lightning.pytorch as pl
    import torch
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    pl.seed_everything(0, verbose=False)

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.Sequential(
                torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, 1)
            )

        def training_step(self, batch, _index):
            stamps()
            features, target = batch
            loss = torch.nn.functional.mse_loss(self.net(features), target)
            self.log("loss", loss)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=1e-3, momentum=0.9)

    data = torch.utils.data.TensorDataset(torch.randn(ROWS, WIDTH), torch.randn(ROWS, 1))
    loader = torch.utils.data.DataLoader(_Repeated(data, steps), batch_size=None)
    own = {"CSV": CSVLogger, "TensorBoard": TensorBoardLogger}.get(logger)
    trainer = pl.Trainer(
        max_epochs=1,
        logger=own("logs") if own else False,
        log_every_n_steps=1,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    module = Module()
    start = time.perf_counter()
    trainer.fit(module, loader)
    return time.perf_counter() - start


class _Repeated:
    """The same batch again and again."""

    def __init__(self, data, steps) -> None:
        self.batch = data.tensors
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index):
        return self.batch


def _keras(steps, stamps, logger, log) -> float:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)

    class Stamping(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            stamps()

    features = np.random.default_rng(0).normal(size=(steps * 8, 64)).astype("float32")
    target = features[:, :1]
    model = keras.Sequential(
        [keras.layers.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    own = {
        "CSV": lambda: keras.callbacks.CSVLogger("log.csv"),
        "TensorBoard": lambda: keras.callbacks.TensorBoard("logs", update_freq="batch"),
    }.get(logger)
    callbacks = [Stamping(), *([own()] if own else [])]
    start = time.perf_counter()
    model.fit(
        features, target, batch_size=8, epochs=1, verbose=0, shuffle=False, callbacks=callbacks
    )
    return time.perf_counter() - start


def _xgboost(steps, stamps, logger, log) -> float:
    import numpy as np
    import xgboost as xgb

    class Stamping(xgb.callback.TrainingCallback):
        def before_iteration(self, model, epoch, evals_log):
            stamps()
            return False

    random = np.random.default_rng(0)
    features = random.normal(size=(600, 10))
    target = features @ random.normal(size=10)
    data = xgb.DMatrix(features, target)
    start = time.perf_counter()
    xgb.train(
        {"max_depth": 3, "nthread": 1},
        data,
        steps,
        evals=[(data, "train")],
        verbose_eval=False,
        callbacks=[Stamping()],
    )
    return time.perf_counter() - start


_TRAININGS = {
    "torch": _torch,
    "lightning": _lightning,
    "keras": _keras,
    "xgboost": _xgboost,
}
