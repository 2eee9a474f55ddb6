"""Running a kit's training in a process of its own."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap

_LOAD = """
import importlib.util, sys
sys.path[:0] = {path!r}
def load():
    spec = importlib.util.spec_from_file_location("the_tests", {file!r})
    module = importlib.util.module_from_spec(spec)
    sys.modules["the_tests"] = module
    spec.loader.exec_module(module)
    return getattr(module, {name!r})()
"""

SECONDS = 120


def run_fresh(kit: type, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter, in the working directory; warnings are errors.

    In the script, ``load()`` makes an object of the class ``kit`` from its file.
    """
    load = _LOAD.format(path=sys.path, file=inspect.getfile(kit), name=kit.__name__)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", load + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
