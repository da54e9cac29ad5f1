"""Settings of training that the configuration changes and that do not reach all runs."""

from collections.abc import Iterator, Mapping
from typing import Any

from sedrepro.experiments.paper_settings import PaperSettings

SECTION = "training."
#: So many names are listed.
LISTED = 3


def overruled(settings: PaperSettings, changes: Mapping[str, Any], paper: str) -> Iterator[str]:
    """A line for each changed key of `training` that corpora or systems have values of their own for.

    `changes` are the configuration's, by dotted key; a place that they change too is not listed.
    """
    for key, value in changes.items():
        rest = key.removeprefix(SECTION)
        places = [place for place, own in _own_values(settings) if key != rest and _replaces(own, rest.split("."))]
        places = [place for place in places if f"{place}.{rest}" not in changes]
        if places:
            more = f" and {len(places) - LISTED} more" if len(places) > LISTED else ""
            yield (
                f"{paper}.{key} = {value} does not reach {', '.join(places[:LISTED])}{more}, which have their own; "
                f"to change them too, set {paper}.{places[0]}.{rest}"
            )


def _own_values(settings: PaperSettings) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every place that changes `training`, with what it changes."""
    for corpus, own in settings.training_on.items():
        yield f"training_on.{corpus}", own
    for name, system in settings.systems.items():
        yield f"systems.{name}.training", system.training


def _replaces(own: Mapping[str, Any], parts: list[str]) -> bool:
    """Whether values replace a key: itself or a section around it, but for the method, which changes key by key."""
    first, *rest = parts
    if first not in own:
        return False
    return _replaces(own[first], rest) if rest and first == "method" and isinstance(own[first], Mapping) else True
