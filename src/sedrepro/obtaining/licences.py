"""Under which terms the data sets stand, as the download manifest has them."""

from collections.abc import Iterable

from sedrepro.data_sets import data_set, data_set_names, trait
from sedrepro.experiments.scales import SYNTHESISED
from sedrepro.obtaining.manifest import read_manifest


def licences(data_sets: Iterable[str]) -> dict[str, list[str]]:
    """The licences of the files that data sets need, as the download manifest has them, by data set."""
    files = [file for file in read_manifest() if file.use == "needed"]
    return {
        name: list(dict.fromkeys(file.licence for file in files if file.data_set in _archives(name) and file.licence))
        for name in data_sets
    }


def _archives(name: str) -> set[str]:
    """The data sets of the manifest that may have brought a data set's files."""
    return {data_set(name).ARCHIVE, trait(name, "SERVED_FROM")} if name in data_set_names() else set()


def licences_text(data_sets: Iterable[str], scale: str) -> str:
    """The terms of data sets as Markdown, to lie beside the results that were made with them.

    Args:
        data_sets: their names.
        scale: scale of the results; at some the sounds are not of the data sets.
    """
    if scale in SYNTHESISED:
        remark = "The sounds were synthesised by sedrepro; these are terms of the official sets."
    elif scale == "recordings":
        remark = "Recordings from other sources have their own terms; below are those of the official sets."
    else:
        remark = "What is derived from data, such as weights, may be bound by the terms of the data."
    lines = [f"* {name}: {'; '.join(terms) or 'no terms known'}" for name, terms in licences(data_sets).items()]
    return "\n".join(["# Licences of the data", "", remark, "", *lines, ""])
