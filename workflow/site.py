"""Hooks of the documentation site (mkdocs.yml): README, papers and reference as pages, and links that stay on the site.

The reference is made from the code when the site is built: verbs from their parsers, settings from the papers.
"""

import argparse
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from sedrepro.cli import build_parser, verb_names
from sedrepro.experiments.configuration import Config, load_config
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.reporting.status.provenance import setting_rows

ROOT = Path(__file__).resolve().parents[1]
#: Documents outside docs/ that are pages of the site, by their path there.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "results/README.md": "results_files.md",
    "config/README.md": "configuration_files.md",
    "src/sedrepro/data_sets/README.md": "data_sets.md",
}
#: What a page may link that is put on the site as it is; anything else is named without a link.
COPIED = {".png", ".svg", ".json", ".csv", ".html", ".cff"}
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def documents() -> dict[str, str]:
    """Path in the repository and path on the site of every document outside docs/."""
    papers = {}
    for name in paper_names():
        papers[f"src/sedrepro/papers/{name}/README.md"] = f"papers/{name}.md"
        papers[f"src/sedrepro/papers/{name}/published/README.md"] = f"papers/{name}_published.md"
    records = {
        path.relative_to(ROOT).as_posix(): path.relative_to(ROOT / "results").as_posix()
        for path in sorted((ROOT / "results" / "recorded").rglob("*.md"))
    }
    return PAGES | papers | records


def on_config(config: Any) -> Any:
    """Add the papers and their settings to the contents."""
    config.nav += [
        {"Papers": [f"papers/{name}.md" for name in paper_names()]},
        {"Settings": [f"reference/settings/{name}.md" for name in paper_names()]},
        {"More": ["data_sets.md", "configuration_files.md", "results_files.md", "contributing.md", "changelog.md"]},
    ]
    config.validation.nav.omitted_files = (
        10  # published values and records are reached from the pages that they belong to
    )
    return config


def on_files(files: Files, config: Any) -> Files:
    """Put documents from outside docs/, what they link, and the reference on the site."""
    made = documents()
    for source, page in made.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    for page, text in reference():
        files.append(File.generated(config, page, content=text))
    here = {f"docs/{path.relative_to(ROOT / 'docs').as_posix()}" for path in (ROOT / "docs").glob("*.md")}
    linked = {path for source in [*made, *here] for path in copied_by(source)}
    for path in sorted(linked):
        if files.get_file_from_path(place_of(path)) is None:
            files.append(File.generated(config, place_of(path), abs_src_path=str(ROOT / path)))
    return files


def copied_by(source: str) -> Iterator[str]:
    """Paths in the repository of the files that a document links and that are copied."""
    for found in LINK.finditer((ROOT / source).read_text(encoding="utf-8")):
        path = resolved(source, found["target"])
        if path and Path(path).suffix in COPIED and (ROOT / path).is_file():
            yield path


def resolved(source: str, target: str) -> str | None:
    """The path in the repository that a link of a document means; None if it leads elsewhere."""
    return None if "://" in target else posixpath.normpath(posixpath.join(posixpath.dirname(source), target))


def place_of(path: str) -> str:
    """Where a file of the repository lies on the site."""
    made = documents()
    return made.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else f"files/{path}")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn the links of a document into links of the site."""
    places = {site: source for source, site in documents().items()}
    where = page.file.src_uri
    if where.startswith("reference/"):
        return markdown
    source = places.get(where, f"docs/{where}")

    def turned(found: re.Match[str]) -> str:
        path = resolved(source, found["target"])
        if path is None:
            return found[0]
        known = path in documents() or path.startswith("docs/") or Path(path).suffix in COPIED
        if not known or not (ROOT / path).is_file():
            return found["text"]
        relative = posixpath.relpath(place_of(path), posixpath.dirname(where) or ".")
        return f"{found['image']}[{found['text']}]({relative}{found['anchor'] or ''})"

    return LINK.sub(turned, markdown)


def reference() -> Iterator[tuple[str, str]]:
    """Path and text of each page of reference."""
    yield "reference/verbs.md", "# Verbs\n\n" + "\n".join(verb_text(verb) for verb in verb_names())
    yield "reference/configuration.md", configuration_text()
    for name in paper_names():
        yield f"reference/settings/{name}.md", settings_text(name)


def verb_text(verb: str) -> str:
    """A verb with its own options; those of the configuration are common to all."""
    parser = build_parser([verb])
    (verbs,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    chosen = verbs.choices[verb]
    lines = [f"## {verb}\n", f"{chosen.description}\n"]
    common = {"help", "scale", "project", "config", "set"}
    actions = [action for action in chosen._actions if action.dest not in common]
    if actions:
        rows = (table_row([f"`{option_text(action)}`", expanded(action)]) for action in actions)
        lines += ["| option | says |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def option_text(action: argparse.Action) -> str:
    """An option as it is typed, or the name of an argument."""
    name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    takes = "" if action.nargs == 0 or not action.option_strings else f" {action.metavar or action.dest.upper()}"
    return name + takes


def expanded(action: argparse.Action) -> str:
    """The help of an option with its default filled in."""
    return (action.help or "") % {**vars(action), "prog": "sedrepro"}


def configuration_text() -> str:
    """Every key of the configuration, from its typed model."""
    rows = []
    for key, field in Config.model_fields.items():
        default = "required" if field.is_required() else str(field.get_default(call_default_factory=True))
        rows.append(table_row([f"`{key}`", default, field.description or ""]))
    return "\n".join(["# Configuration", "", "| key | default | says |", "|---|---|---|", *rows, ""])


def settings_text(name: str) -> str:
    """Every setting of a paper at scale full, with its source and reason."""
    rows = (table_row([f"`{key}`", *rest]) for key, *rest in setting_rows(load_paper(name, load_config("full"))))
    return "\n".join([f"# {name}", "", "| setting | value | source | reason |", "|---|---|---|---|", *rows, ""])


def table_row(values: list[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(value.replace("|", "\\|").replace("\n", " ") for value in values) + " |"
