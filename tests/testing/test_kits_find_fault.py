"""The kits find what is wrong with a plugin, and say so in words its author can use."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SINFUL = Path(__file__).parents[1] / "made_up" / "sinful"

SAME = "test_results_and_random_numbers_are_the_same_to_the_bit"
HOSTILE = "test_a_hostile_pickle_in_place_of_the_model_does_not_run"

FAULTS = [
    ("draws", SAME, "outcome() of the trained object differs"),
    ("callstwice", SAME, "{'fit': 2} calls with autolog(), {'fit': 1} without"),
    (
        "keepsthemodel",
        "test_nothing_keeps_the_trained_object_or_its_data_alive",
        "still alive afterwards: a Model",
    ),
    (
        "keepstheerror",
        "test_nothing_is_kept_alive_by_a_training_that_failed",
        "still alive afterwards: a Data",
    ),
    (
        "copies",
        "test_the_users_own_objects_reach_the_framework",
        "arguments ['0'] were the user's without autolog(), and [] with it",
    ),
    (
        "consumes",
        "test_an_iterator_is_consumed_as_far_as_without_chiplog",
        "9 batches were taken with autolog(), 3 without",
    ),
    (
        "islate",
        "test_a_training_that_is_killed_keeps_what_was_recorded_before",
        "record parameters in before(), not in after()",
    ),
    (
        "leavesitself",
        "test_what_is_trained_pickles_and_copies_as_ever",
        "the pickle of the trained object names ['chiplog_sinful']",
    ),
    ("patchesbyhand", "test_undone_means_the_very_same_objects", "still changed: Model.score"),
    (
        "watchesnothing",
        "test_a_training_is_one_run_that_is_created_and_finished",
        "a training is one run",
    ),
    ("unpickles", f"{HOSTILE}[2]", "a pickle in place of m was run"),
    (
        "unpickles",
        "test_a_model_that_calls_itself_a_pickle_is_not_believed",
        "made load() run a pickle",
    ),
    (
        "rounds",
        "test_what_was_saved_comes_back_with_the_same_predictions",
        "the predictions differ",
    ),
    (
        "rounds",
        "test_the_mlmodel_file_names_the_flavor_with_plain_settings",
        "'<framework>_version'",
    ),
    ("takesall", "test_only_what_is_the_frameworks_can_be_saved", "it is true of None"),
    ("honest", "test_a_file_outside_the_directory_is_not_read", "data='../outside' was read"),
    ("honest", "test_a_damaged_file_is_said_to_be_damaged[empty]", "JSONDecodeError"),
    ("plugin", "test_its_distribution_says_that_it_needs_chiplog", "sinful depends on nothing"),
    ("plugin", "test_nothing_is_imported_before_it_is_needed", "imported: sinful"),
    ("plugin", "test_each_integration_and_flavor_has_a_public_module", "module is empty"),
]


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    """What each of the tests above said, by class and name."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHIPLOG_", "MLFLOW_"))}
    path = os.pathsep.join([str(SINFUL), *filter(None, [clean.get("PYTHONPATH")])])
    kits = SINFUL / "sinful_kits.py"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"),
            *("--import-mode=importlib", "-c", os.devnull, "--rootdir", str(SINFUL)),
            *(f"{kits}::Test_{name}::{test}" for name, test, _ in FAULTS),
        ],
        env={**clean, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert f"{len(FAULTS)} failed" in done.stdout, done.stdout + done.stderr
    parts = re.split(r"^_+ Test_(\w+)\.(\S+) _+$", done.stdout, flags=re.MULTILINE)[1:]
    return {f"{parts[i]}.{parts[i + 1]}": parts[i + 2] for i in range(0, len(parts), 3)}


@pytest.mark.parametrize(("name", "test", "said"), FAULTS, ids=[f"{f[0]}-{f[1]}" for f in FAULTS])
def test_a_fault_is_found_and_named(
    failures: dict[str, str], name: str, test: str, said: str
) -> None:
    told = failures[f"{name}.{test}"]
    assert said in told
    assert "The contract:" in told
    assert "What to do:" in told
