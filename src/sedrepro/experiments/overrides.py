"""Values that a scale or the configuration changes, by dotted key."""

import difflib
from collections.abc import Iterator
from typing import Any

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.configuration import Config, budget_of

#: So many whole keys a hint names.
HINTED = 2


def override(values: dict[str, Any], dotted: str, value: Any, where: str, prefix: str = "") -> None:
    """Replace the value at a dotted key, which must exist.

    A part that itself holds dots (a system's name, say) is matched as the longest key that fits. Errors show keys as
    they are written, which may be with a `prefix`.

    Raises:
        SettingsError: there is no such key (names the nearest, whole), or it lies below a value.
    """
    node, rest, so_far = values, dotted, prefix
    while True:
        key = first_key(node, rest)
        if key is None:
            hint = _ending(values, dotted, prefix) or _nearest(node, rest, so_far)
            raise SettingsError(f"{where}: unknown key '{prefix}{dotted}'; {hint}")
        if rest == key:
            node[key] = value
            return
        if not isinstance(node[key], dict):
            raise SettingsError(f"{where}: '{prefix}{dotted}': '{so_far}{key}' holds no keys")
        node, rest, so_far = node[key], rest[len(key) + 1 :], f"{so_far}{key}."


def keys_ending_in(values: dict[str, Any], end: str) -> list[str]:
    """The dotted keys that are `end`, or end in it after a dot, those nearest to the top first."""
    found = [key for key in _keys(values) if end and f".{key}".endswith(f".{end}")]
    return sorted(found, key=lambda key: key.count("."))


def _keys(node: dict[str, Any], begin: str = "") -> Iterator[str]:
    for key, value in node.items():
        yield f"{begin}{key}"
        if isinstance(value, dict):
            yield from _keys(value, f"{begin}{key}.")


def _ending(values: dict[str, Any], dotted: str, prefix: str) -> str:
    """A hint at the whole keys that end in an unknown one; empty where none does."""
    keys = [f"'{prefix}{key}'" for key in keys_ending_in(values, dotted)]
    more = f" (and {len(keys) - HINTED} more)" if len(keys) > HINTED else ""
    return f"did you mean {' or '.join(keys[:HINTED])}?{more}" if keys else ""


def first_key(node: dict[str, Any], dotted: str) -> str | None:
    """The longest key of a section that a dotted key begins with."""
    return next((k for k in sorted(node, key=len, reverse=True) if dotted == k or dotted.startswith(f"{k}.")), None)


def _nearest(node: dict[str, Any], rest: str, so_far: str) -> str:
    """A hint at the whole key that is nearest to `so_far` and an unknown `rest`, or at all keys of its section."""
    part, _, deeper = rest.partition(".")
    near = first_key(node, rest) or next(iter(difflib.get_close_matches(part, map(str, node), n=1, cutoff=0.5)), None)
    if near is None:
        return f"known: {', '.join(f'{so_far}{key}' for key in sorted(node))}"
    left = rest[len(near) + 1 :] if rest.startswith(f"{near}.") else deeper
    if not left or not isinstance(node[near], dict):
        return f"did you mean '{so_far}{near}'?"
    return _nearest(node[near], left, f"{so_far}{near}.")


def scale_keys(config: Config) -> list[str]:
    """Sections of `scales` that apply, later ones over earlier ones."""
    return [config.scale, f"{config.scale}-{budget_of(config)}"]
