"""The peers' own virtual environment: made once, beside the repository, never chiplog's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".benchmarks"
PEERS = {"mlflow": "mlflow", "trackio": "trackio", "tensorboardx": "tensorboardX", "aim": "aim"}
SAME_VERSION = ("scikit-learn", "numpy", "pandas", "matplotlib")
"""What the measured work itself runs on: of the same version in both environments."""


@dataclass(frozen=True)
class Peer:
    """A tool to compare with: the interpreter of its environment, and its version."""

    python: Path
    version: str


def prepare(folder: Path | None = None) -> dict[str, Peer]:
    """The peers by name; their environment is made if need be.

    Args:
        folder: an environment that has the peers already; it is used as it is.

    A peer that cannot be installed is left out with pip's last words on stderr.
    """
    if folder is None:
        folder = CACHE / f"peers-{sys.version_info.major}.{sys.version_info.minor}"
        _install(folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        raise FileNotFoundError(f"{str(folder)!r} is not a virtual environment: no {python.name}.")
    return {name: Peer(python, version) for name, version in _versions(python).items()}


def _install(folder: Path) -> None:
    pins = [f"{name}=={metadata.version(name)}" for name in SAME_VERSION]
    done = folder / "installed.json"
    if done.exists() and json.loads(done.read_text()) == pins:
        return
    print(
        f"Installing the peers into {folder.relative_to(ROOT)} (once, some minutes) …", flush=True
    )
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq"]
    subprocess.run([*pip, *pins, "skops"], check=True)
    for distribution in PEERS.values():
        if subprocess.run([*pip, *pins, distribution], check=False).returncode:
            print(f"{distribution} cannot be installed here and is left out.", file=sys.stderr)
    done.write_text(json.dumps(pins))


def _versions(python: Path) -> dict[str, str]:
    script = (
        "import json, sys\nfrom importlib import metadata\nfound = {}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = metadata.version(name)\n"
        "    except metadata.PackageNotFoundError: pass\n"
        "print(json.dumps(found))"
    )
    output = subprocess.run(
        [str(python), "-c", script, *PEERS.values(), *SAME_VERSION],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found: dict[str, str] = json.loads(output)
    return {peer: found[name] for peer, name in PEERS.items() if name in found}


def quiet_environment(home: Path) -> dict[str, str]:
    """The environment of a worker: nobody's settings, no telemetry, no way out of the machine.

    Telemetry is switched off by each tool's documented variable; whatever asked for the network all
    the same would meet a closed door on the loopback address.
    """
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")
    closed = "http://127.0.0.1:9"
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HTTP_PROXY": closed,
        "HTTPS_PROXY": closed,
        "NO_PROXY": "127.0.0.1,localhost",
        "MPLBACKEND": "agg",
        # The measured fits are small: one thread each, or idle pools steal each other's cores.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
