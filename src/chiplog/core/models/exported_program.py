"""PyTorch's exported programs (``.pt2``): what is in one is looked at before torch reads it.

torch makes Python source of a program's graph and of its guards, evaluates its sizes, imports what
its containers name, and unpickles where it meets anything but plain tensors. So nothing passes but
what is known to be harmless: each text in the file must be a plain name, unless it stands where a
text of another kind belongs, and is one.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import DamagedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_RECORD: Final = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/(version|serialization_id)"
    r"|models/model\.json|data/sample_inputs/model\.pt"
    r"|data/weights/(model_weights_config\.json|weight_[0-9]+)"
    r"|data/constants/(model_constants_config\.json|tensor_[0-9]+)"
)
_OLD_RECORD: Final = re.compile(
    r"version|serialized_exported_program\.json|serialized_(state_dict|constants|example_inputs)\.pt"
)
_NAME: Final = re.compile(r"[A-Za-z0-9_]*")
_PATH: Final = re.compile(r"[A-Za-z0-9_.]*")
_KEY: Final = re.compile(r"[A-Za-z0-9_. -]*")
# What stays one literal wherever torch puts it between quotes.
_TEXT: Final = re.compile(r"[^'\"\\{}\x00-\x1f\x7f-\x9f\u2028\u2029]*")

# Expressions of sizes, which torch reads through sympy, and sympy evaluates text.
_SYMBOL: Final = re.compile(r"Symbol\('[a-z]+[0-9]+'(, [a-z]+=(True|False))*\)")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_SIZE: Final = re.compile(r"[a-z]+[0-9]+")
_FUNCTIONS: Final = frozenset(
    {
        "Integer", "Float", "Rational", "Max", "Min", "Mod", "PythonMod", "FloorDiv",
        "IntTrueDiv", "FloatTrueDiv", "CleanDiv", "CeilDiv", "ModularIndexing", "Where",
        "FloatPow", "PowByNatural", "RShift", "LShift", "ToFloat", "TruncToInt", "RoundToInt",
        "FloorToInt", "CeilToInt", "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Not",
        "True", "False", "floor", "ceiling", "Add", "Mul", "Pow", "Abs",
    }
)  # fmt: skip
_REST: Final = re.compile(r"[0-9 ()+\-*/%,<>=&|~.]*")

# What a graph may call. The libraries of operators that read and write files are left out.
_OPERATOR: Final = re.compile(
    r"torch\.ops\.(aten|prims|quantized_decomposed|torchvision|torchaudio)\.\w+\.\w+"
)
_FILES: Final = ("torch.ops.aten.from_file.", "torch.ops.aten.save.")
_CONTROL: Final = re.compile(
    r"torch\.ops\.higher_order\.(cond|while_loop|scan|associative_scan|map_impl|flex_attention"
    r"|wrap_with_set_grad_enabled|wrap_with_autocast)"
)
_PYTHON: Final = re.compile(
    r"_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|abs|eq|ne|lt|le|gt|ge|and_|or_"
    r"|not_|xor|invert|lshift|rshift|getitem)"
    r"|math\.[a-z0-9]+|torch\._?sym_[a-z_]+"
)

# What a guard is made of: comparisons of arithmetic over sizes, such as L['x'].size()[0] > 3.
_GUARD: Final = (
    ast.Expression, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.IfExp, ast.Load,
    ast.boolop, ast.unaryop, ast.cmpop, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod,
)  # fmt: skip
_GUARD_NAMES: Final = _FUNCTIONS | {"L", "max", "min", "abs", "math", "inf"}
_SIZES_OF: Final = frozenset({"size", "stride", "storage_offset"})


def doubts(path: Path) -> list[str]:
    """What in a file is more than a graph over torch's operators, with plain tensors.

    Raises:
        DamagedModel: it is no such file.
    """
    try:
        return sorted(set(_doubts(path)))
    except Exception as error:
        raise DamagedModel(f"{str(path)!r} is no readable .pt2 file: {error}") from error


def _doubts(path: Path) -> Iterator[str]:
    # Looked at through the very reader that torch loads with: another one can be made to see other
    # files in the same archive. What that one refuses, torch takes for its format before 2.8.
    torch: Any = importlib.import_module("torch")
    try:
        reader = torch._C.PyTorchFileReader(str(path))  # noqa: SLF001 - there is no public name
    except RuntimeError:
        with zipfile.ZipFile(path) as archive:
            yield from _doubts_of_old(archive, torch)
        return
    names: list[str] = reader.get_all_records()
    foreign = [name for name in names if not _RECORD.fullmatch(name)]
    if foreign:
        yield from foreign
        return
    with zipfile.ZipFile(path) as archive:
        seen = [name.partition("/")[2] for name in archive.namelist()]
    if sorted(seen) != sorted(set(names)):
        yield "files that not every reader sees"
        return
    for name in names:
        if name.endswith("_config.json"):
            yield from _doubts_of_tensors(json.loads(reader.get_record(name)))
        elif name.startswith("models/"):
            yield from _doubts_of_texts(json.loads(reader.get_record(name)))
        elif name.startswith("data/sample_inputs/"):
            yield from _doubts_of_pickle(reader.get_record(name), torch)


def _doubts_of_old(archive: zipfile.ZipFile, torch: Any) -> Iterator[str]:
    names = archive.namelist()
    if len(set(names)) < len(names):
        yield "files of the same name"
    for name in names:
        if not _OLD_RECORD.fullmatch(name):
            yield name
        elif name.endswith(".pt"):
            yield from _doubts_of_pickle(archive.read(name), torch)
        elif name.endswith(".json"):
            yield from _doubts_of_texts(json.loads(archive.read(name)))


def _doubts_of_tensors(config: Any) -> Iterator[str]:
    for key, entry in config["config"].items():
        path = str(entry.get("path_name", ""))
        if entry.get("use_pickle", True) or not re.fullmatch(r"(weight|tensor)_[0-9]+", path):
            yield f"the pickled {key!r}"
        if not _PATH.fullmatch(key):
            yield f"the name {key!r}"


def _doubts_of_pickle(data: bytes, torch: Any) -> Iterator[str]:
    if not data:
        return
    try:
        inputs = torch.load(io.BytesIO(data), weights_only=True)
    except Exception:
        yield "a pickle of more than tensors"
        return
    stack = [inputs]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            # The keys are names of arguments, and stand in the source that torch makes.
            yield from (f"the argument {key!r}" for key in part if not _is_key(key))
            stack.extend(part.values())
        elif isinstance(part, (list, tuple)):
            stack.extend(part)


def _doubts_of_texts(value: Any, key: str = "") -> Iterator[str]:
    """What is in a program's description that does not belong there; ``key`` is where it stands."""
    if isinstance(value, str):
        what, fits = _EXPECTED.get(key, _PATHS if key.endswith(("_name", "fqn")) else _NAMES)
        if not fits(value):
            yield f"the {what} {value!r}"
    elif isinstance(value, list):
        for one in value:
            yield from _doubts_of_texts(one, key)
    elif isinstance(value, dict):
        for name, one in value.items():
            if not _is_path(name):
                yield f"the name {name!r}"
            if name != "metadata":  # where a node comes from: shown to people, and never run
                yield from _doubts_of_texts(one, name)


def _is_operator(name: str) -> bool:
    """Whether a graph may call what has this name."""
    if not name or _CONTROL.fullmatch(name) or _PYTHON.fullmatch(name):
        return True
    if not _OPERATOR.fullmatch(name) or name.startswith(_FILES):
        return False
    torch: Any = importlib.import_module("torch")
    _, _, library, operator, overload = name.split(".")
    packet = getattr(getattr(torch.ops, library), operator, None)
    found = getattr(packet, overload, None)
    # One that is not here stays a text, on which torch then stumbles.
    return found is None or isinstance(found, torch._ops.OpOverload)  # noqa: SLF001 - not public


def _is_arithmetic(text: str) -> bool:
    """Whether an expression is arithmetic over sizes, and nothing that runs when it is read."""
    plain = _SYMBOL.sub(" ", text)
    words = _WORD.findall(plain)
    known = all(word in _FUNCTIONS or _SIZE.fullmatch(word) for word in words)
    return known and _REST.fullmatch(_WORD.sub(" ", plain)) is not None


def _is_guard(text: str) -> bool:
    """Whether a guard compares arithmetic over the inputs' sizes, and does nothing else."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return all(_is_in_guard(node) for node in ast.walk(tree))


def _is_in_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, str) or node.value.isidentifier()
    if isinstance(node, ast.Name):
        return node.id in _GUARD_NAMES
    if isinstance(node, ast.Attribute):
        of_math = isinstance(node.value, ast.Name) and node.value.id == "math"
        return node.attr.isalnum() if of_math else node.attr in _SIZES_OF
    if isinstance(node, ast.Call):
        return not node.keywords and isinstance(node.func, (ast.Name, ast.Attribute))
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant)
    return isinstance(node, _GUARD)


def _is_containers_type(text: str, fits: Callable[[Any], bool]) -> bool:
    """Whether a description of nested containers is made of what ``fits``; dicts hold imports."""
    return not text or _is_container(json.loads(text)[1], fits)


def _is_container(spec: Any, fits: Callable[[Any], bool]) -> bool:
    context = spec["context"]
    with contextlib.suppress(ValueError):  # the name of a tuple's type, which torch looks up
        context = json.loads(context) if isinstance(context, str) else context
    return all(map(fits, _flat([context]))) and all(
        _is_container(child, fits) for child in spec["children_spec"]
    )


def _flat(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        else:
            yield value


def _is_key(value: Any) -> bool:
    return (
        value is None or type(value) is int or bool(isinstance(value, str) and _is_keyword(value))
    )


def _is_output(value: Any) -> bool:
    return value is None or type(value) is int or bool(isinstance(value, str) and _is_text(value))


def _is_keyword(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def _is_path(text: str) -> bool:
    return _PATH.fullmatch(text) is not None


def _is_text(text: str) -> bool:
    return _TEXT.fullmatch(text) is not None


_NAMES: Final = ("name", _is_name)
_PATHS: Final = ("name", _is_path)
_TEXTS: Final = ("text", _is_text)
_OPERATORS: Final = ("operator", _is_operator)
_EXPRESSIONS: Final = ("expression", _is_arithmetic)

#: What stands where in a program's description; names, everywhere else.
_EXPECTED: Final[dict[str, tuple[str, Callable[[str], bool]]]] = {
    "target": _OPERATORS,
    "as_operator": _OPERATORS,
    "expr_str": _EXPRESSIONS,
    "as_expr": _EXPRESSIONS,
    "guards_code": ("guard", _is_guard),
    "in_spec": ("container", lambda text: _is_containers_type(text, _is_key)),
    "out_spec": ("container", lambda text: _is_containers_type(text, _is_output)),
    "as_string": _TEXTS,
    "as_strings": _TEXTS,
    "torch_version": _TEXTS,
}
