"""The receipt: what a training session saw, kept and left out, and what that cost.

Attached to the run as the document ``receipt``; ``chiplog explain RUN`` prints it.
"""

from __future__ import annotations

from typing import Final

import msgspec

DOCUMENT: Final = "receipt"

TRAINING: Final = "TRAINING"
"""The outcome of a call whose end is not recorded: it goes on, or its process was killed."""


class Hook(msgspec.Struct, omit_defaults=False):
    """A watched function: one that was called in this session, or that could not be watched."""

    point: str
    installed: bool = True
    fired: int = 0
    reason: str | None = None


class Captured(msgspec.Struct, omit_defaults=True):
    """Something that was recorded."""

    what: str
    count: int = 1
    detail: str | None = None


class Omission(msgspec.Struct):
    """Something that was left out or recorded in part, and why."""

    what: str
    reason: str


class CallNote(msgspec.Struct):
    """One training call of the session, in the order of their ends; TRAINING if it has none."""

    point: str
    outcome: str
    training_ms: float


class Cost(msgspec.Struct, omit_defaults=True):
    """What one kind of recording took on the training thread.

    Attributes:
        what: what was done.
        ms: the time it took in all, without what is listed by itself.
        times: how often it was done.
        of: how often it would have been done if it cost nothing; 0 if that was not asked.
    """

    what: str
    ms: float
    times: int = 1
    of: int = 0


class Receipt(msgspec.Struct):
    """One training session.

    Attributes:
        framework: its name and version, such as ``scikit-learn 1.9.1``.
        supported: the versions that are known to work.
        known: whether this version is among them.
        hooks: the functions that were called, and those that could not be watched.
        hooks_installed: how many functions are watched in all.
        overhead_ms: the time chiplog took on the training thread: before, during and after.
        during_ms: that part of it which was taken while training went on, step by step.
        training_ms: the time the user's own call took, without that.
        costs: what the overhead was spent on, the dearest first.
    """

    integration: str
    framework: str = ""
    supported: str = ""
    known: bool = True
    chiplog: str = ""
    hooks: list[Hook] = []
    hooks_installed: int = 0
    captured: list[Captured] = []
    skipped: list[Omission] = []
    degraded: list[Omission] = []
    overhead_ms: float = 0.0
    training_ms: float = 0.0
    calls: list[CallNote] = []
    during_ms: float = 0.0
    costs: list[Cost] = []


class ReceiptDocument(msgspec.Struct):
    """Every session of a run, in the order in which they began."""

    sessions: list[Receipt] = []

    @property
    def tells_of_an_end(self) -> bool:
        """Whether any training of it ended, rather than being killed while it went on."""
        return any(
            not session.calls or any(call.outcome != TRAINING for call in session.calls)
            for session in self.sessions
        )


def encode(document: ReceiptDocument) -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(document)


def decode(body: bytes) -> ReceiptDocument:
    """The document from JSON; fields of a newer chiplog are passed over."""
    return msgspec.json.decode(body, type=ReceiptDocument)
