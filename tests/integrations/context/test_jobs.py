from __future__ import annotations

import os

import pytest

from chiplog.integrations.context import jobs


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        known = ("SLURM_", "KUBERNETES_", "POD_", "NODE_", "GITHUB_", "GITLAB_", "CI", "BUILD")
        if name.startswith((*known, "CIRCLE", "JENKINS", "TRAVIS", "TF_BUILD")):
            monkeypatch.delenv(name)


def test_outside_of_a_job_there_are_no_tags() -> None:
    assert jobs.tags() == {}


def test_a_slurm_job_is_told_by_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setenv("SLURM_JOB_NODELIST", "node[1-4]")
    assert jobs.tags() == {
        "chiplog.slurm.job_id": "42",
        "chiplog.slurm.array_task_id": "3",
        "chiplog.slurm.nodes": "node[1-4]",
    }


def test_slurm_variables_of_a_login_shell_are_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "c")
    assert jobs.tags() == {}


def test_a_pod_is_named_by_its_host_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("HOSTNAME", "trainer-abc")
    assert jobs.tags()["chiplog.kubernetes.pod"] == "trainer-abc"
    monkeypatch.setenv("POD_NAME", "trainer-xyz")
    monkeypatch.setenv("POD_NAMESPACE", "ml")
    tags = jobs.tags()
    assert tags["chiplog.kubernetes.pod"] == "trainer-xyz"
    assert tags["chiplog.kubernetes.namespace"] == "ml"


def test_a_github_workflow_has_a_run_and_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_RUN_ID": "7",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "x/y",
        "CI": "true",
    }.items():
        monkeypatch.setenv(name, value)
    assert jobs.tags() == {
        "chiplog.ci.provider": "github",
        "chiplog.ci.run_id": "7",
        "chiplog.ci.ref": "refs/heads/main",
        "chiplog.ci.url": "https://github.com/x/y/actions/runs/7",
    }


def test_addresses_lose_their_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_JOB_URL", "https://me:hunter2@gitlab/x/-/jobs/1")
    assert jobs.tags()["chiplog.ci.url"] == "https://gitlab/x/-/jobs/1"


def test_an_unknown_service_is_still_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert jobs.tags() == {"chiplog.ci.provider": "unknown"}
