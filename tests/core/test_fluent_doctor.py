"""``chiplog.doctor()``."""

from __future__ import annotations

import pytest

import chiplog


@pytest.mark.usefixtures("project")
def test_doctor_prints_what_the_program_prints_and_hides_values_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPLOG_EXPERIMENT_NAME", "visible-name")
    chiplog.doctor()
    assert "visible-name" in capsys.readouterr().out
    chiplog.doctor(mask_envs=True)
    masked = capsys.readouterr().out
    assert "visible-name" not in masked
    assert "Versions" in masked
