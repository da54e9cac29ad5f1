"""What the files that somebody asks for are: tables, figures, runs; and the runs that they are made of."""

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from sedrepro.base.errors import SettingsError
from sedrepro.base.files import lies_in
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, paper_names, require_fold
from sedrepro.experiments.places import figures_folder, paper_folder, results_folder, table_file
from sedrepro.experiments.runs import RunIdentity, base_of, figure_runs
from sedrepro.published.needs import table_runs

#: Where a run lies below the folder of its paper.
RUN_PATH = re.compile(r"runs/(?P<system>[^/]+)/(?P<variant>[^/]+)/fold(?P<fold>\d+)/seed(?P<seed>\d+)(/|$)")


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
        is_of_step = any(lies_in(target, root) for root in roots) and target.resolve().parent not in own
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
    """The runs that files are made of, by paper; all planned ones where a file is of no paper, or none is named.

    Raises:
        SettingsError: a path is no table or figure, and none that another step makes (names it), or it is of another
            paper or of a run that there cannot be.
    """
    planned = {paper.name: planned_runs(config, paper) for paper in papers}
    if not targets:
        return planned
    found: dict[str, dict[RunIdentity, None]] = {paper.name: {} for paper in papers}
    named = {path: (paper, name) for paper, name, path in tables_and_figures(config, papers, targets)}
    for path in map(Path, targets):
        if path in named:
            paper, name = named[path]
            of_one = table_runs if name in paper.settings.tables else figure_runs
            found[paper.name].update(dict.fromkeys(with_bases(paper, of_one(config, paper, name))))
            continue
        _require_chosen(config, papers, path)
        inside = [paper for paper in papers if lies_in(path, paper_folder(config, paper.name))]
        if not inside:
            return planned
        for paper in inside:
            of_path = _runs_at(config, paper, path, planned[paper.name])
            found[paper.name].update(dict.fromkeys(with_bases(paper, of_path)))
    return {name: _in_order(list(runs), planned[name]) for name, runs in found.items() if runs}


def _in_order(runs: Sequence[RunIdentity], planned: Sequence[RunIdentity]) -> list[RunIdentity]:
    """Runs in the order in which they are planned, then those that are not."""
    order = {who: place for place, who in enumerate(planned)}
    return sorted(runs, key=lambda who: order.get(who, len(order)))


def _runs_at(config: Config, paper: Paper, path: Path, planned: Sequence[RunIdentity]) -> list[RunIdentity]:
    """The run in whose folder a path lies, planned or not; the planned ones below it, or all."""
    place = path.resolve().relative_to(paper_folder(config, paper.name).resolve())
    named = RUN_PATH.match(place.as_posix())
    if named is None:
        return [who for who in planned if lies_in(who.folder(config), path)] or list(planned)
    who = RunIdentity(paper.name, named["system"], named["variant"], int(named["fold"]), int(named["seed"]))
    paper.run(who.system, who.variant)
    require_fold(paper, paper.settings.corpus_of(who.variant)[0], who.fold)
    return [who]


def _require_chosen(config: Config, papers: Iterable[Paper], path: Path) -> None:
    """Refuse a path in the folder of a paper that is not chosen."""
    for name in set(paper_names()) - {paper.name for paper in papers}:
        if lies_in(path, paper_folder(config, name)):
            raise SettingsError(f"{path}: is of {name}, which is not among the chosen papers")
