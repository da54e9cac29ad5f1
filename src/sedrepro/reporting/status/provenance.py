"""Every setting of a paper with where it comes from."""

from collections.abc import Sequence

from sedrepro.experiments.papers import Paper


def setting_rows(paper: Paper) -> list[tuple[str, str, str, str]]:
    """(key, value, source, reason) of every setting that has a provenance, in the order of the settings file."""
    values = paper.settings.model_dump(mode="json")
    return [
        (key, _shown(_lookup(values, key)), origin.source, origin.reason) for key, origin in paper.provenance.items()
    ]


def print_settings(paper: Paper) -> None:
    """Print the rows as aligned text."""
    print(f"{paper.settings.about.title} ({paper.settings.about.published_in}); budget: {paper.budget}")
    print_rows(setting_rows(paper))
    print_overruled(paper)


def print_overruled(paper: Paper) -> None:
    """Print which changed settings do not reach all runs, if any."""
    for line in paper.overruled:
        print(f"note: {line}")


def print_rows(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Print rows of settings as aligned text."""
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    for key, value, source, reason in rows:
        print(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {source:<{widths[2]}}  {reason}".rstrip())


def _lookup(values: dict, dotted: str) -> object:
    """The value at a dotted key whose parts may hold dots themselves."""
    if dotted in values:
        return values[dotted]
    key = next(k for k in sorted(values, key=len, reverse=True) if dotted.startswith(f"{k}."))
    return _lookup(values[key], dotted[len(key) + 1 :])


def _shown(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
