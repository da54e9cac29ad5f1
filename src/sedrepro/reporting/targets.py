"""What the files that somebody asks for are: tables, figures, runs; and the runs that they are made of."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.places import figures_folder, paper_folder, results_folder, table_file
from sedrepro.experiments.runs import RunIdentity, base_of, figure_runs
from sedrepro.published.needs import table_runs


def tables_and_figures(
    config: Config, papers: Iterable[Paper], targets: Sequence[str]
) -> list[tuple[Paper, str, Path]]:
    """The tables and figures of papers among some files: paper, name and path of each.

    Raises:
        SettingsError: a path is no table or figure, and none that another step makes (names it).
    """
    found, papers = [], list(papers)
    for paper in papers if targets else ():
        name, tables = paper.name, paper.settings.tables
        stems = {table_file(config, name, table).with_suffix("").resolve(): table for table in tables}
        stems |= {(figures_folder(config, name) / one).resolve(): one for one in paper.settings.figures}
        paths = [path for target in targets if (path := Path(target)).name]  # "", "." and "/" have none
        found += [(paper, stems[stem], path) for path in paths if (stem := path.with_suffix("").resolve()) in stems]
    _require_made(config, papers, targets, {path for *_, path in found})
    return found


def _require_made(config: Config, papers: Sequence[Paper], targets: Sequence[str], known: Collection[Path]) -> None:
    """Refuse a path that no step makes, as far as its folder tells, and that is not there; a word may be a rule's."""
    roots = (results_folder(config), config.work_dir)
    own = [
        folder.resolve()
        for paper in papers
        for folder in (table_file(config, paper.name, "any").parent, figures_folder(config, paper.name))
    ]
    for target in map(Path, targets):
        is_of_step = any(_lies_in(target, root) for root in roots) and target.resolve().parent not in own
        if len(target.parts) > 1 and target not in known and not is_of_step and not target.exists():
            raise SettingsError(
                f"{target}: is no table or figure of {', '.join(paper.name for paper in papers)} at scale "
                f"{config.scale}, and no such file is there; see python -m sedrepro list"
            )


def planned_runs(config: Config, paper: Paper) -> list[RunIdentity]:
    """Every run that the tables and figures of a paper need, and those that these are based on, each once."""
    wanted = [who for table in paper.settings.tables for who in table_runs(config, paper, table)]
    wanted += [who for figure in paper.settings.figures for who in figure_runs(config, paper, figure)]
    return with_bases(paper, wanted)


def with_bases(paper: Paper, runs: Iterable[RunIdentity]) -> list[RunIdentity]:
    """Runs of a paper and those that these are based on, each once."""
    wanted = list(runs)
    found: dict[RunIdentity, None] = {}
    while wanted:
        who = wanted.pop(0)
        base = base_of(paper, who)
        wanted += [base] if base is not None and base not in found else []
        found[who] = None
    return list(found)


def runs_of_targets(config: Config, papers: Sequence[Paper], targets: Sequence[str]) -> dict[str, list[RunIdentity]]:
    """The planned runs that files are made of, by paper; all runs where a file is of no paper, or none is named.

    Raises:
        SettingsError: a path is no table or figure, and none that another step makes (names it).
    """
    planned = {paper.name: planned_runs(config, paper) for paper in papers}
    if not targets:
        return planned
    found: dict[str, set[RunIdentity]] = {paper.name: set() for paper in papers}
    named = {path: (paper, name) for paper, name, path in tables_and_figures(config, papers, targets)}
    for path in map(Path, targets):
        if path in named:
            paper, name = named[path]
            of_one = table_runs if name in paper.settings.tables else figure_runs
            found[paper.name].update(with_bases(paper, of_one(config, paper, name)))
            continue
        inside = [paper for paper in papers if _lies_in(path, paper_folder(config, paper.name))]
        if not inside:
            return planned
        for paper in inside:
            of_path = [who for who in planned[paper.name] if _lies_in(path, who.folder(config))]
            found[paper.name].update(with_bases(paper, of_path) if of_path else planned[paper.name])
    return {name: kept for name, runs in planned.items() if (kept := [who for who in runs if who in found[name]])}


def _lies_in(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
