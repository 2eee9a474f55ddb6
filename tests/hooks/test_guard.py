"""The guard keeps chiplog's mistakes out of the user's program, and out of sight of no test."""

from __future__ import annotations

import logging

import pytest

from chiplog.hooks import guard


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a user's: errors of ours are warnings, none of which was said before."""
    monkeypatch.delenv("CHIPLOG_STRICT")
    monkeypatch.setattr(guard, "_seen", set())


def _broken() -> None:
    raise ValueError("ours")


@pytest.mark.usefixtures("lenient")
def test_a_mistake_is_one_warning_with_a_hint(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert guard.quietly("Reading the tea leaves", _broken, "otherwise") == "otherwise"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "Reading the tea leaves failed" in record.message
    assert "ValueError: ours" in record.message
    assert "CHIPLOG_STRICT=1" in record.message


@pytest.mark.usefixtures("lenient")
def test_another_kind_of_mistake_is_another_warning(caplog: pytest.LogCaptureFixture) -> None:
    guard.report("This", ValueError("a"))
    guard.report("This", KeyError("b"))
    guard.report("That", ValueError("a"))
    assert len(caplog.records) == 3


@pytest.mark.usefixtures("lenient")
def test_a_block_that_fails_is_left_and_the_program_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reached = []
    with guard.quiet("A block"):
        reached.append("before")
        _broken()
        reached.append("after")
    assert reached == ["before"]
    assert len(caplog.records) == 1


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_stops_a_program_is_never_ours_to_stop(stop: type[BaseException]) -> None:
    def stopping() -> None:
        raise stop

    with pytest.raises(stop):
        guard.quietly("Work", stopping, None)
    with pytest.raises(stop), guard.quiet("Work"):
        stopping()


def test_in_strict_mode_a_mistake_is_raised() -> None:
    with pytest.raises(ValueError, match="ours"):
        guard.quietly("Work", _broken, None)
    with pytest.raises(ValueError, match="ours"), guard.quiet("Work"):
        _broken()


@pytest.mark.parametrize(("value", "strict"), [("1", True), ("0", False), ("", False)])
def test_strictness_is_read_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, value: str, strict: bool
) -> None:
    monkeypatch.setenv("CHIPLOG_STRICT", value)
    assert guard.is_strict() is strict


def test_arguments_reach_the_guarded_function() -> None:
    assert guard.quietly("Adding", lambda a, b: a + b, 0, 1, b=2) == 3
