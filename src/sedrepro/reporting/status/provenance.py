"""Every setting of a paper with where it comes from."""

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sedrepro.base.terminal import aligned, folded, line_width
from sedrepro.base.typed import load
from sedrepro.experiments.overrides import first_key
from sedrepro.experiments.paper_settings import PaperSettings
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.provenance import published_values

#: Characters of a value up to which all values stand in one column.
WIDEST = 60


def setting_rows(paper: Paper) -> list[tuple[str, str, str, str]]:
    """(key, value, source, reason) of every setting that has a provenance, in the order of the settings file."""
    values = paper.settings.model_dump(mode="json")
    return [
        (key, _shown(_lookup(values, key)), origin.source, origin.reason) for key, origin in paper.provenance.items()
    ]


def replaced_rows(paper: Paper) -> list[tuple[str, str, str, str]]:
    """(key, value, source, reason) of every published value that the scale or the configuration replaces."""
    path = paper.folder / "settings.yaml"
    plain, published = published_values(path)
    plain.pop("scales", None)
    values = load(PaperSettings, plain, str(path)).model_dump(mode="json")
    return [
        (key, _shown(_lookup(values, key)), origin.source, origin.reason)
        for key, origin in published.items()
        if paper.provenance.get(key) != origin
    ]


def unstated(paper: Paper) -> dict[str, dict[str, list[str]]]:
    """The settings that the paper does not state, as text by source and reason.

    A value that a scale or a configuration replaces is still a reading of the paper: it stands with its own source,
    and says what is used instead. Labels of systems and names of networks are no readings.
    """
    grouped: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, value, source, reason in setting_rows(paper):
        if _is_reading(key):
            grouped[source][reason].append(f"{key} = {value}")
    values = paper.settings.model_dump(mode="json")
    for key, value, source, reason in replaced_rows(paper):
        if _is_reading(key):
            grouped[source][reason].append(f"{key} = {value}{_instead(paper, values, key, value)}")
    grouped.pop("paper", None)
    return {source: dict(reasons) for source, reasons in grouped.items()}


def _instead(paper: Paper, values: dict[str, Any], key: str, published: str) -> str:
    """What is used in place of a published value, and what says so; nothing where that is equal."""
    replaced_by = next((paper.provenance[one].source for one in _with_parents(key) if one in paper.provenance), None)
    if replaced_by is None:
        return " (not used here)"
    for place in _places(paper.settings, key):
        try:
            used = _shown(_lookup(values, place))
        except LookupError:
            continue
        return "" if used == published else f" (here {used}, by the {replaced_by})"
    return " (not used here)"


def _places(settings: PaperSettings, key: str) -> Iterator[str]:
    """Where the value of a dotted key may stand: there, or in the section that its own section differs from."""
    yield key
    sections = {f"corpora.{name}.front_end.": "front_end" for name in settings.corpora}
    sections |= {f"training_on.{name}.": "training" for name in settings.corpora}
    for name, system in settings.systems.items():
        sections[f"systems.{name}.training."] = "training"
        sections[f"systems.{name}.arguments."] = f"networks.{system.network}"
    yield from (f"{base}.{key.removeprefix(own)}" for own, base in sections.items() if key.startswith(own))


def _is_reading(key: str) -> bool:
    return not key.startswith("systems.") or key.rpartition(".")[2] not in ("label", "network")


def _with_parents(key: str) -> Iterator[str]:
    """A dotted key and the mappings around it, the nearest first."""
    while key:
        yield key
        key = key.rpartition(".")[0]


def print_settings(paper: Paper) -> None:
    """Print the rows as aligned text."""
    print(folded(f"{paper.settings.about.title} ({paper.settings.about.published_in}); budget: {paper.budget}"))
    print_rows(setting_rows(paper))
    print_overruled(paper)


def print_overruled(paper: Paper) -> None:
    """Print which changed settings do not reach all runs, if any."""
    for line in paper.overruled:
        print(folded(f"note: {line}"))


def print_rows(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Print rows of settings as aligned text; in a terminal that is narrower, value and reason below each other."""
    width = line_width()
    if width is not None:
        print("\n".join(_in_width(rows, width)))
        return
    if rows:
        print(aligned(rows, indent="", widest=WIDEST))


def _in_width(rows: Sequence[tuple[str, str, str, str]], width: int) -> Iterator[str]:
    """Rows in lines of at most `width` characters: key and value, then where it comes from and why, told once."""
    first: dict[tuple[str, str], str] = {}
    for key, value, source, reason in rows:
        said_at = first.setdefault((source, reason), key)
        told = source if not reason else f"{source}: {reason}" if said_at == key else f"{source}, as {said_at}"
        together = f"{key} = {value}  ({told})"
        if len(together) <= width and (not reason or said_at != key):
            yield together
        else:
            yield from textwrap.wrap(f"{key} = {value}", width, subsequent_indent="    ")
            yield from textwrap.wrap(told, width, initial_indent="    ", subsequent_indent="    ")


def _lookup(values: object, dotted: str) -> object:
    """The value at a dotted key whose parts may hold dots themselves.

    Raises:
        LookupError: there is none.
    """
    if not isinstance(values, dict):
        raise LookupError(dotted)
    key = first_key(values, dotted)
    if key is None:
        raise LookupError(dotted)
    return values[key] if key == dotted else _lookup(values[key], dotted[len(key) + 1 :])


def _shown(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
