"""Where the values of a settings.yaml come from: the provenance of each by dotted key."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.experiments.configuration import read_yaml

AUTHORS_CODE = "authors' code"
#: Where a value can come from, in the order of precedence: the main rows of a table use the first that exists.
SOURCES = {
    AUTHORS_CODE: "what the authors' own released code does, where it made the printed numbers",
    "paper": "the paper's text",
    "cited code": "the code of a system that the paper builds on",
    "assumption": "an assumption, with its reason",
}
#: Sections whose values need no source.
UNSOURCED = ("about", "classes", "tables", "figures", "scales")


@dataclass(frozen=True)
class Provenance:
    """Where a value comes from, and why it is what it is."""

    source: str
    reason: str = ""


def published_values(path: Path) -> tuple[dict[str, Any], dict[str, Provenance]]:
    """Plain values of a settings file, and the provenance of each by dotted key."""
    raw = copy.deepcopy(_read(path))
    provenance: dict[str, Provenance] = {}
    values = {
        key: section if key in UNSOURCED else _plain(section, key, None, provenance, path)
        for key, section in raw.items()
    }
    return values, provenance


def _plain(node: Any, dotted: str, inherited: Provenance | None, provenance: dict[str, Provenance], path: Path) -> Any:
    """Strip provenance from a node: `{value, source, reason}` leaves, or `provenance` of a whole mapping."""
    if isinstance(node, Mapping) and "value" in node:
        provenance[dotted] = _source({k: v for k, v in node.items() if k != "value"}, dotted, path)
        return node["value"]
    if isinstance(node, Mapping):
        own = node.get("provenance")
        inherited = _source(own, dotted, path) if own else inherited
        return {
            key: _plain(value, f"{dotted}.{key}", inherited, provenance, path)
            for key, value in node.items()
            if key != "provenance"
        }
    if inherited is None:
        raise SettingsError(f"{path}: '{dotted}' has no provenance; write {{value, source, reason}}")
    provenance[dotted] = inherited
    return node


def _source(given: Any, dotted: str, path: Path) -> Provenance:
    if not isinstance(given, Mapping):
        raise SettingsError(f"{path}: '{dotted}': provenance '{given}' must be {{source, reason}}")
    for key in given:
        if key not in ("source", "reason"):
            hint = did_you_mean(key, ("source", "reason"))
            raise SettingsError(f"{path}: '{dotted}': unknown key '{key}' of a provenance; {hint}")
    source, reason = given.get("source"), given.get("reason", "")
    if source not in SOURCES:
        raise SettingsError(f"{path}: '{dotted}': source '{source}' is unknown; {did_you_mean(str(source), SOURCES)}")
    if source == "assumption" and not reason:
        raise SettingsError(f"{path}: '{dotted}' is an assumption without a reason")
    return Provenance(source, reason)


def mark(provenance: dict[str, Provenance], dotted: str, origin: Provenance) -> None:
    """Set the provenance of a key; where it was a mapping, that of its former values is forgotten."""
    for key in [key for key in provenance if key.startswith(f"{dotted}.") and dotted not in provenance]:
        del provenance[key]
    provenance[dotted] = origin


@cache
def _read(path: Path) -> dict[str, Any]:
    return read_yaml(path)
