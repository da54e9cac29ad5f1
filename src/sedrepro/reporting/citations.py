"""BibTeX of papers, from their settings, and of the data sets that they use."""

import re
from pathlib import Path

import sedrepro.data_sets
from sedrepro.experiments.papers import Paper

BIBLIOGRAPHY = Path(sedrepro.data_sets.__file__).with_name("citations.bib")
ENTRY = re.compile(r"^@\w+\{(?P<key>\w+),.*?^\}$", re.MULTILINE | re.DOTALL)


def paper_entry(paper: Paper) -> str:
    """The BibTeX entry of a paper; its key is the name of its folder."""
    about = paper.settings.about
    year = re.findall(r"\b(?:19|20)\d\d\b", about.published_in)[-1]
    fields = {
        "title": f"{{{about.title}}}",
        "author": about.authors.replace(", ", " and "),
        "howpublished": about.published_in,
        "year": year,
        "url": about.url,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{paper.name},\n{lines}\n}}"


def data_set_entries() -> dict[str, str]:
    """The BibTeX entries of the data sets, by name."""
    text = BIBLIOGRAPHY.read_text(encoding="utf-8")
    return {found["key"]: found[0] for found in ENTRY.finditer(text)}


def bibliography(paper: Paper) -> str:
    """BibTeX of a paper and of the data sets that it uses."""
    entries = data_set_entries()
    return "\n\n".join([paper_entry(paper), *(entries[name] for name in paper.settings.data_sets)]) + "\n"
