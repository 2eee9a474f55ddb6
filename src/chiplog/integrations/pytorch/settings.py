"""What optimizers and schedulers are set to, as params of a run."""

from __future__ import annotations

import contextlib
from typing import Any, Final

_PLAIN: Final = (str, int, float, bool, type(None))
#: What a scheduler keeps for itself, beside its settings.
_STATE: Final = frozenset(
    {
        "last_epoch", "base_lrs", "verbose", "best", "num_bad_epochs", "cooldown_counter",
        "T_cur", "T_i", "total_size", "step_ratio", "max_lrs", "base_momentums", "max_momentums",
    }
)  # fmt: skip
_MOST_ITEMS: Final = 32


def optimizer_params(optimizer: Any, prefix: str = "") -> dict[str, Any]:
    """An optimizer's class and settings; a group's own where they differ."""
    defaults = dict(optimizer.defaults)
    params: dict[str, Any] = {f"{prefix}optimizer_name": type(optimizer).__name__}
    groups = optimizer.param_groups
    if len(groups) == 1:
        defaults.update({key: groups[0][key] for key in defaults if key in groups[0]})
    else:
        params[f"{prefix}param_groups"] = len(groups)
        for index, group in enumerate(groups):
            for key, value in group.items():
                if key != "params" and _is_setting(value) and not _same(value, defaults.get(key)):
                    params[f"{prefix}{group_name(group, index)}/{key}"] = _plain(value)
    params.update(
        {f"{prefix}{key}": _plain(value) for key, value in defaults.items() if _is_setting(value)}
    )
    return params


def group_name(group: dict[str, Any], index: int) -> str:
    """What a parameter group is called: by its ``name``, else by its number."""
    name = group.get("name")
    return name if isinstance(name, str) and name else f"group_{index}"


def scheduler_params(scheduler: Any, prefix: str = "") -> dict[str, Any]:
    """A learning rate scheduler's class and settings."""
    params: dict[str, Any] = {f"{prefix}lr_scheduler_name": type(scheduler).__name__}
    settings = {
        key: value
        for key, value in vars(scheduler).items()
        if key not in _STATE and not key.startswith("_") and _is_setting(value)
    }
    for key, value in settings.items():
        params[f"{prefix}lr_scheduler_{key}"] = _plain(value)
    return params


def _is_setting(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) <= _MOST_ITEMS and all(_is_setting(one) for one in value)
    if isinstance(value, dict):
        return len(value) <= _MOST_ITEMS and all(_is_setting(one) for one in value.values())
    return isinstance(value, _PLAIN) or _is_scalar(value)


def _is_scalar(value: Any) -> bool:
    return getattr(value, "shape", None) == () and hasattr(value, "item")


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(one) for one in value) if type(value) in {list, tuple} else value
    return value.item() if _is_scalar(value) else value


def _same(one: Any, other: Any) -> bool:
    with contextlib.suppress(Exception):
        return bool(_plain(one) == _plain(other))
    return False
