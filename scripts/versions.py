"""Run an integration's tests against the oldest and the newest version of its framework.

    python scripts/versions.py sklearn lightgbm      # both ends of the range of each
    python scripts/versions.py --oldest              # the oldest of every framework
    python scripts/versions.py --table               # the ranges, as docs/frameworks.md has them

The ranges are the integrations' own (``Integration.versions``), which receipts and
``chiplog plugins`` tell, too. Each end gets a virtual environment of its own in ``.versions/``,
which is kept for the next time and made anew with ``--fresh``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chiplog.core.autolog.engine import integrations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration

ROOT: Final = Path(__file__).resolve().parent.parent
ENDS: Final = ("oldest", "newest")

BUILDS: Final = {"tensorflow": "tensorflow-cpu", "xgboost": "xgboost-cpu"}
"""Lighter builds of the same framework, to test with."""

TESTS: Final = ("pytest", "hypothesis", "pandas", "pillow", "matplotlib", "scikit-learn", "skops")
COMPANIONS: Final = {
    "keras": ("tensorflow-cpu",),
    "lightning": ("torch", "safetensors", "tensorboard"),
    "pytorch": ("safetensors", "tensorboard"),
}
"""What the tests of an integration use beside its framework."""

CONTEMPORARIES: Final = {"statsmodels": ("pandas<3",), "xgboost": ("scikit-learn<1.6",)}
"""What the oldest version of a framework was made for, where the newest would break it."""


def main() -> int:
    """Test what was asked for; the number of ends that failed."""
    options = _options()
    if options.table:
        print("\n".join(table(own_integrations().values())))
        return 0
    known = tested_integrations()
    unknown = [name for name in options.integrations if name not in known]
    if unknown:
        print(f"No integration is called {unknown[0]!r}; there are {', '.join(known)}.")
        return 2
    failed = []
    for name in options.integrations or known:
        for end in options.ends or ENDS:
            environment = ROOT / ".versions" / f"{name}-{end}"
            if not _test(known[name], end, environment, fresh=options.fresh):
                failed.append(f"{name} ({end})")
    print(f"Failed: {', '.join(failed)}" if failed else "All passed.")
    return len(failed)


def own_integrations() -> dict[str, Integration]:
    """The integrations that ship with chiplog, by name."""
    return {
        name: found
        for name, found in sorted(integrations().items())
        if type(found).__module__.startswith("chiplog.integrations.")
    }


def tested_integrations() -> dict[str, Integration]:
    """Those of them that have tests of their own."""
    folder = ROOT / "tests" / "integrations"
    own = own_integrations()
    return {name: own[name] for name in own if any((folder / name).glob("test_*.py"))}


def requirement(integration: Integration, end: str) -> str:
    """What pip is to install for one end of an integration's range."""
    distribution = BUILDS.get(integration.name, integration.distribution)
    oldest = re.search(r">=\s*([0-9.]+)", integration.versions)
    if end == "newest" or oldest is None:
        return f"{distribution}{integration.versions}"
    return f"{distribution}=={oldest[1]}.*"


def table(known: Iterable[Integration]) -> list[str]:
    """The ranges as a table in markdown."""
    lines = ["| `chiplog.` | framework | versions known to work |", "|---|---|---|"]
    lines += [f"| `{one.name}` | {one.distribution} | {one.versions} |" for one in known]
    return lines


def _test(integration: Integration, end: str, environment: Path, *, fresh: bool) -> bool:
    wanted = requirement(integration, end)
    print(f"== {integration.name}, {end}: {wanted}", flush=True)
    if fresh:
        shutil.rmtree(environment, ignore_errors=True)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(environment, with_pip=True)
    beside = [*TESTS, *COMPANIONS.get(integration.name, ())]
    if end == "oldest":
        beside += CONTEMPORARIES.get(integration.name, ())
    beside = [name for name in beside if name != integration.distribution]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--editable", str(ROOT)]
    if subprocess.run([*pip, wanted, *beside], check=False).returncode:
        return False
    tests = str(ROOT / "tests" / "integrations" / integration.name)
    # Old versions warn of what is new to them, and new ones of what is to go: neither fails here.
    command = [str(python), "-m", "pytest", "-q", "-o", "filterwarnings=default", tests]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("integrations", nargs="*", help="all of them by default")
    for end in ENDS:
        parser.add_argument(
            f"--{end}", dest="ends", action="append_const", const=end, help=f"only the {end}"
        )
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    parser.add_argument("--table", action="store_true", help="print the ranges and test nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
