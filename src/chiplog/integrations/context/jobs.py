"""The job a program runs in: SLURM, Kubernetes, continuous integration."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

from chiplog.integrations.context.scrubbing import scrub_url

_SLURM: Final = {
    "job_id": "SLURM_JOB_ID",
    "job_name": "SLURM_JOB_NAME",
    "array_job_id": "SLURM_ARRAY_JOB_ID",
    "array_task_id": "SLURM_ARRAY_TASK_ID",
    "cluster": "SLURM_CLUSTER_NAME",
    "partition": "SLURM_JOB_PARTITION",
    "nodes": "SLURM_JOB_NODELIST",
    "node_count": "SLURM_JOB_NUM_NODES",
    "tasks": "SLURM_NTASKS",
    "rank": "SLURM_PROCID",
}

_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

_CI: Final = (
    # the variable that gives it away, its name, then where it says which run, address and ref
    ("GITHUB_ACTIONS", "github", {"run_id": "GITHUB_RUN_ID", "ref": "GITHUB_REF"}),
    (
        "GITLAB_CI",
        "gitlab",
        {"run_id": "CI_JOB_ID", "url": "CI_JOB_URL", "ref": "CI_COMMIT_REF_NAME"},
    ),
    (
        "BUILDKITE",
        "buildkite",
        {"run_id": "BUILDKITE_BUILD_ID", "url": "BUILDKITE_BUILD_URL", "ref": "BUILDKITE_BRANCH"},
    ),
    (
        "CIRCLECI",
        "circleci",
        {"run_id": "CIRCLE_BUILD_NUM", "url": "CIRCLE_BUILD_URL", "ref": "CIRCLE_BRANCH"},
    ),
    ("TF_BUILD", "azure", {"run_id": "BUILD_BUILDID", "ref": "BUILD_SOURCEBRANCH"}),
    ("JENKINS_URL", "jenkins", {"run_id": "BUILD_TAG", "url": "BUILD_URL", "ref": "GIT_BRANCH"}),
    (
        "TRAVIS",
        "travis",
        {"run_id": "TRAVIS_JOB_ID", "url": "TRAVIS_JOB_WEB_URL", "ref": "TRAVIS_BRANCH"},
    ),
)


def tags() -> dict[str, str]:
    """Tags of every kind of job that this process is in."""
    return {**_slurm(), **_kubernetes(), **_ci()}


def _slurm() -> dict[str, str]:
    if not os.environ.get("SLURM_JOB_ID"):
        return {}
    return _read("chiplog.slurm", _SLURM)


def _kubernetes() -> dict[str, str]:
    if not os.environ.get("KUBERNETES_SERVICE_HOST"):
        return {}
    names = {"pod": "POD_NAME", "namespace": "POD_NAMESPACE", "node": "NODE_NAME"}
    found = _read("chiplog.kubernetes", names)
    found.setdefault("chiplog.kubernetes.pod", os.environ.get("HOSTNAME", ""))
    found.setdefault("chiplog.kubernetes.namespace", _namespace())
    return {key: value for key, value in found.items() if value}


@cache
def _namespace() -> str:
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        return ""


def _ci() -> dict[str, str]:
    for sign, provider, names in _CI:
        if os.environ.get(sign):
            found = {"chiplog.ci.provider": provider, **_read("chiplog.ci", names)}
            if provider == "github":
                found.update(_github_url())
            return found
    return {"chiplog.ci.provider": "unknown"} if os.environ.get("CI") in {"true", "1"} else {}


def _github_url() -> dict[str, str]:
    parts = [os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    if not all(parts):
        return {}
    server, repository, run = parts
    return {"chiplog.ci.url": scrub_url(f"{server}/{repository}/actions/runs/{run}")}


def _read(prefix: str, names: dict[str, str]) -> dict[str, str]:
    found = {f"{prefix}.{key}": os.environ.get(name, "") for key, name in names.items()}
    return {key: scrub_url(value) for key, value in found.items() if value}
