"""Which modules saved bytes and source files reference, found without running any of it."""

from __future__ import annotations

import ast
import functools
import pickletools
import sys
import zipfile
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.models import limits
from chiplog.core.models.pickle_names import COMPUTED, globals_in

if TYPE_CHECKING:
    import importlib.machinery
    from collections.abc import Iterable, Iterator

_MEMO_PUTS: Final = frozenset({"MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"})
_MEMO_GETS: Final = frozenset({"GET", "BINGET", "LONG_BINGET"})

# What cloudpickle calls where a function or class is in the pickle itself, code and all.
_BY_VALUE: Final = frozenset({"_make_function", "_make_skeleton_class", "_builtin_type"})


def in_pickle(data: bytes) -> set[str]:
    """The modules, dotted, whose types and functions a pickle names.

    Functions that cloudpickle holds by value use modules by their bare names: of its texts, those
    that name an installed module count too, and those that name another one where they stand as the
    one argument of a call, as in ``subimport("helpers")``.
    """
    names = set(globals_in(data))
    modules = {module for module, _ in names} - {COMPUTED}
    if any(attribute in _BY_VALUE for _, attribute in names):
        texts, arguments = _texts_in(data)
        modules |= {text for text in texts if _is_installed(text)}
        modules |= {text for text in arguments - {"__main__"} if _is_module(text)}
    return modules


def _texts_in(data: bytes) -> tuple[set[str], set[str]]:
    """The texts in a pickle, and those that are the one item of a tuple."""
    texts: set[str] = set()
    alone: set[str] = set()
    memo: dict[str, str | None] = {}
    last: str | None = None
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in _MEMO_PUTS:
            memo[str(len(memo) if argument is None else argument)] = last
            continue
        if opcode.name == "TUPLE1" and last is not None:
            alone.add(last)
        if opcode.name in _MEMO_GETS:
            last = memo.get(str(argument))
        else:
            last = argument if isinstance(argument, str) else None
            texts.update(() if last is None else (last,))
    return texts, alone


def in_torch_file(path: Path) -> set[str]:
    """The modules that the pickles in a file of ``torch.save`` name."""
    modules: set[str] = set()
    limits.check_zip(path)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith("data.pkl"):
                modules |= in_pickle(archive.read(name))
    return modules


def in_sources(paths: Iterable[str | Path]) -> set[str]:
    """The modules, dotted, that Python files import, folders with all that is in them.

    What the paths hold themselves is left out, and what is imported for type checkers alone; an
    import that may fail counts if it would not here. A file that is no valid Python has none.
    """
    given = [Path(path) for path in paths]
    own = {path.stem for path in given}
    own |= {inside.stem for path in given if path.is_dir() for inside in path.iterdir()}
    modules: set[str] = set()
    for path in given:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            modules |= imports_in(_text_of(file))
    return {module for module in modules if module.partition(".")[0] not in own}


def in_own_module(module: str, seen: set[Path]) -> set[str]:
    """The modules, dotted, that the user's own module imports, and the packages it lies in.

    ``module`` may go on to a name in it. The files read are added to ``seen``, and not read again.
    """
    root, *parts = module.split(".")
    place = place_of(root)
    found: set[str] = set()
    name = root
    while place is not None:
        is_package = place.is_dir()
        file = place / "__init__.py" if is_package else place
        if file not in seen:
            seen.add(file)
            package = name if is_package else name.rpartition(".")[0]
            found |= imports_in(_text_of(file), package)
        if not parts or not is_package:
            break
        part = parts.pop(0)
        name = f"{name}.{part}"
        below = place / part
        place = below if below.is_dir() else below.with_suffix(".py")
        place = place if place.exists() else None
    return found


def imports_in(source: str, package: str = "") -> set[str]:
    """The modules, dotted, that a source imports; none if it is no valid Python.

    What it imports relative to its own ``package`` is left out if that is not given.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    return {module for module, surely in _imports(tree, package) if surely or _is_module(module)}


def _imports(tree: ast.AST, package: str, *, surely: bool = True) -> Iterator[tuple[str, bool]]:
    """Each imported module, and whether its import is not one that may fail."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, surely) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A package of several distributions tells by the name below which one is meant.
            origin = _origin(node, package)
            yield from ((f"{origin}.{alias.name}", surely) for alias in node.names if origin)
        elif isinstance(node, ast.Call) and (name := _imported_by_call(node)):
            yield name, surely
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from _imports(ast.Module(node.orelse, []), package, surely=surely)
            continue
        elif isinstance(node, ast.Try):
            tried = ast.Module(node.body, [])
            yield from _imports(tried, package, surely=surely and not node.handlers)
            rest: list[Any] = [*node.handlers, *node.orelse, *node.finalbody]
            yield from _imports(ast.Module(rest, []), package, surely=False)
            continue
        yield from _imports(node, package, surely=surely)


def _origin(node: ast.ImportFrom, package: str) -> str | None:
    """The full name of the module that names are imported from."""
    if not node.level:
        return node.module
    try:
        return resolve_name("." * node.level + (node.module or ""), package) if package else None
    except ImportError:
        return None


def _imported_by_call(call: ast.Call) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else None
    if isinstance(call.func, ast.Name):
        name = call.func.id
    first = call.args[0] if call.args else None
    if name in {"import_module", "__import__"} and isinstance(first, ast.Constant):
        return first.value if isinstance(first.value, str) and first.value[:1] != "." else None
    return None


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _text_of(file: Path) -> str:
    if file.suffix != ".py":
        return ""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _is_module(name: str) -> bool:
    """Whether a module of that name is loaded, or its top-level package could be imported."""
    if name in sys.modules:
        return True
    root = name.partition(".")[0]
    return root.isidentifier() and place_of(root) is not None


def _is_installed(name: str) -> bool:
    """Whether there is a module of that name in a place that distributions are installed into."""
    root = name.partition(".")[0]
    if name not in sys.modules and name != root:
        return False
    place = place_of(root) if root.isidentifier() else None
    return place is not None and is_site(place.parent)


@functools.lru_cache(maxsize=1024)
def is_site(folder: Path) -> bool:
    """Whether distributions are installed into a folder."""
    return next(folder.glob("*.dist-info"), None) is not None


def place_of(root: str) -> Path | None:
    """The file or folder of a top-level module, loaded or not; None if it has none."""
    module = sys.modules.get(root)
    spec: importlib.machinery.ModuleSpec | None = getattr(module, "__spec__", None)
    if spec is None and module is None:
        try:
            spec = find_spec(root)
        except (ImportError, ValueError, AttributeError):
            spec = None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if places:
        return Path(places[0])
    file = getattr(module, "__file__", None) or (spec.origin if spec is not None else None)
    return Path(file) if file and file not in {"built-in", "frozen"} else None
