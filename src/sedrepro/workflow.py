"""What the rules of the workflow ask: the configured papers, and the files, settings and code of each job.

A job depends on its input files, on the settings that its step reads, and on its code: the import closure of the step's
module and of the modules that the settings name. Settings and the digest of the code are parameters of its rule.
"""

import contextlib
import functools
import importlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from sedrepro.base import code, gpus
from sedrepro.base.errors import SedreproError, SettingsError
from sedrepro.base.files import write_text
from sedrepro.base.gpus import Gpu
from sedrepro.corpora.settings import Remix
from sedrepro.detection.methods import method_module
from sedrepro.evaluation.sweep import KINDS
from sedrepro.experiments import places
from sedrepro.experiments.commands import quoted
from sedrepro.experiments.configuration import Config, make_config, read_yaml, scale_file, written
from sedrepro.experiments.networks import network_module, training_code
from sedrepro.experiments.papers import Paper, chosen_papers, load_paper
from sedrepro.experiments.published_size import as_published
from sedrepro.experiments.run_files import CONFIG, ENVIRONMENT, RUN_FILES
from sedrepro.experiments.runs import (
    RunIdentity,
    base_files,
    figure_runs,
    lacks,
    needs_strong_labels,
    stores_frames,
)
from sedrepro.experiments.sweep_counts import SWEEP_COUNTS
from sedrepro.miniature import writer_module
from sedrepro.obtaining.manifest import SourceFile
from sedrepro.obtaining.obtain import receipt_path
from sedrepro.obtaining.plan import (
    absent_data_sets,
    archive_of,
    available_data_sets,
    chosen_data_sets,
    files_of,
    label_tables,
    missing_labels,
    needed_files,
    origin_of,
)
from sedrepro.obtaining.single_clips import taken_stamp
from sedrepro.published.needs import cells_file, table_runs
from sedrepro.reporting.claims.registry import table_figures
from sedrepro.reporting.figures.figure_files import figures_module
from sedrepro.reporting.tables.comparison import paper_tables
from sedrepro.steps.model_cards import scored_runs
from sedrepro.steps.score import SCORE_FILES
from sedrepro.steps.sweep import sweep_runs


class AnyPaper(NamedTuple):
    """What has only the name of a paper, as a wildcard."""

    name: str = "{paper}"


#: Stands for any paper, and for any run, in the patterns of paths.
ANY_PAPER = AnyPaper()
ANY_RUN = RunIdentity("{paper}", "{system}", "{variant}", "{fold}", "{seed}")  # type: ignore[arg-type]

#: Priority of all that is no run: what comes before runs, or is made of them in seconds.
PREPARING = 100

#: The forms of a table, of a figure, and of coverage.
TABLE_FORMS, FIGURE_FORMS, COVERAGE_FORMS = (".csv", ".md", ".html", ".tex"), (".svg", ".png"), (".csv", ".html")


def configured(values: Mapping[str, Any], project: Path) -> Config:
    """The validated configuration: the scale's file of the project, then `values` of Snakemake's command line.

    A folder with braces in its name is replaced by a symbolic link to it, which is made.

    Raises:
        SettingsError: a key or a value is wrong, or the project itself lies in such a folder.
    """
    if _has_braces(project):
        raise SettingsError(f"{project}: Snakemake takes the braces of this path for wildcards; move the checkout")
    file = project / scale_file(values.get("scale", "miniature"))
    merged = read_yaml(file) | dict(values)
    if not project.samefile(Path.cwd()):
        merged.setdefault("checksums", str(project / Config.model_fields["checksums"].default))
    config = make_config(merged, str(file), set(values))
    folders = {key: getattr(config, key) for key in ("data_root", "work_dir", "results_dir")}
    linked = {key: _link_to(folder) for key, folder in folders.items() if _has_braces(folder)}
    return config.model_copy(update=linked)


def _has_braces(path: Path) -> bool:
    return not {"{", "}"}.isdisjoint(str(path))


def _link_to(folder: Path) -> Path:
    """A symbolic link to a folder whose name holds braces, which Snakemake would take for wildcards; both are made."""
    link = places.link_to(folder)
    link.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(folder if folder.is_absolute() else os.path.relpath(folder.absolute(), link.parent.resolve()))
    return link


def job_prefix(project: Path, variables: Mapping[str, Path]) -> str:
    """What stands before the command of every job, as a format of Snakemake: braces in names of folders are doubled.

    `variables` are names of files that jobs find in their environment.
    """
    words = [f'PYTHONPATH={quoted(project / "src")}:"$PYTHONPATH"']
    words += [f"{name}={quoted(path.absolute())}" for name, path in variables.items()]
    return f"export {' '.join(words)}; set -euo pipefail; ".replace("{", "{{").replace("}", "}}")


class Plan:
    """The jobs of a configuration: their files, settings and code. Methods take the wildcards of a rule."""

    def __init__(self, config: Config) -> None:
        """Load the chosen papers.

        Raises:
            SedreproError: their settings are wrong, or a data set is not where it must be.
        """
        self.papers: dict[str, Paper] = {name: load_paper(name, config) for name in chosen_papers(config)}
        needed = {name for paper in self.papers.values() for name in paper.settings.data_sets}
        #: Data sets that cannot be had now, and why; what needs them is left out, of the jobs' configuration too.
        self.absent = absent_data_sets(config, sorted(needed))
        self.complete = config
        self.config = config.model_copy(update={"without": tuple(sorted({*config.without, *self.absent}))})
        self._require_some_data()
        self.data_sets = self._data_sets_by_owner()
        self.sources: list[SourceFile] = needed_files(config) if config.scale == "full" else []
        self.configuration_text = written(self.config)

    # --- the configuration of jobs

    @property
    def configuration_file(self) -> Path:
        """The resolved configuration, which jobs read; no other command can change it."""
        return places.configuration_file(self.config, self.configuration_text)

    @property
    def costs_file(self) -> Path:
        """What each job cost: each appends a line."""
        return places.costs_file(self.config)

    def write_configuration(self) -> None:
        """Write the configuration for the jobs of a run, and for repeating a command of it by hand."""
        if not self.configuration_file.is_file():
            write_text(self.configuration_file, self.configuration_text)

    # --- paths of rules

    def work(self, *parts: str) -> str:
        """A path below the folder that the scale works in."""
        return str(places.work_folder(self.config).joinpath(*parts))

    def results(self, *parts: str) -> str:
        """A path below the results of the scale."""
        return str(places.results_folder(self.config).joinpath(*parts))

    def log(self, *parts: str) -> str:
        """The log file of a job."""
        return self.work("logs", *parts) + ".log"

    def in_run(self, *names: str) -> list[str]:
        """Files in the folder of a run, as patterns."""
        return [str(ANY_RUN.folder(self.config) / name) for name in names]

    def in_corpus(self, *names: str) -> list[str]:
        """Tables of a corpus, as patterns."""
        return [str(places.corpus_folder(self.config, ANY_PAPER, "{corpus}") / name) for name in names]

    # --- data

    def _data_sets_by_owner(self) -> dict[str, list[str]]:
        """Data sets of each paper that are not absent, and as `data` those asked for, which must be there."""
        owned = {
            name: [each for each in paper.settings.data_sets if each not in self.absent]
            for name, paper in self.papers.items()
        }
        asked = chosen_data_sets(self.config) if self.config.data_sets else []
        for name in asked:
            self._require_in_place(name)
        return owned | {"data": asked or available_data_sets(self.config)}

    def _require_some_data(self) -> None:
        """Refuse papers of which nothing is left: they want other data, or are named by mistake."""
        corpora = [corpus for paper in self.papers.values() for corpus in paper.settings.corpora.values()]
        if all(self.absent.keys() & set(corpus.data_sets) for corpus in corpora):
            for name in self.absent:
                self._require_in_place(name)
            raise SedreproError("; ".join(f"{name}: {reason}" for name, reason in self.absent.items()))

    def _require_in_place(self, name: str) -> None:
        lacking = missing_labels(self.config, name) if origin_of(self.config, name) == "given" else []
        if lacking:
            owned = {each: paper.settings.data_sets for each, paper in self.papers.items()}
            raise SedreproError(_not_in_place(self.config, name, lacking, owned))

    def left_out(self) -> list[str]:
        """A line for each data set that cannot be had: why, and what was left out without it."""
        lines = []
        for name, reason in self.absent.items():
            without = self.complete.model_copy(update={"without": (name,)})
            complete = self.complete.model_copy(update={"without": ()})
            runs = {
                each: len(_runs(complete, paper)) - len(_runs(without, paper)) for each, paper in self.papers.items()
            }
            told = ", ".join(f"{count} runs of {each}" for each, count in runs.items() if count)
            lines.append(f"left out: {name} ({reason}): {told}")
        return lines

    def survey_file(self, data_set: str, table: str) -> str:
        """A table of the survey of a data set."""
        return str(places.survey_folder(self.config, data_set) / table)

    def data_set_files(self, data_set: str) -> list[str]:
        """What must be there of a data set; Snakemake would not make anew what only lies in between."""
        return [self.survey_file(data_set, "survey.json"), *self._brought_files(data_set)]

    def brought_by(self, wildcards: Any) -> list[str]:
        """What must have happened before a data set can be surveyed: synthesised, downloaded, or nothing."""
        taken = taken_stamp(self.config, wildcards.data_set)
        return [*self._brought_files(wildcards.data_set), *([str(taken)] if taken.is_file() else [])]

    def _brought_files(self, name: str) -> list[str]:
        """Files that show that a data set was brought from its origin."""
        origin = origin_of(self.config, name)
        if origin == "given":
            return [str(self.config.corpora_dir / table) for table in label_tables(self.config, name)]
        if origin == "downloaded":
            return [str(receipt_path(self.config, file)) for file in files_of(self.config, [name])]
        return [str(places.synthesis_receipt(self.config, archive_of(self.config, name)))]

    def source(self, wildcards: Any) -> SourceFile:
        """The file of the manifest that a job obtains."""
        named = (wildcards.data_set, wildcards.file)
        return next(source for source in self.sources if (source.data_set, source.file) == named)

    # --- corpora and features

    def corpus_of(self, wildcards: Any) -> str:
        """Corpus of a corpus variant."""
        return self.papers[wildcards.paper].settings.corpus_of(wildcards.variant)[0]

    def corpus_table(self, wildcards: Any, table: str) -> str:
        """A table of the corpus of a corpus variant."""
        paper = self.papers[wildcards.paper]
        return str(places.corpus_folder(self.config, paper, self.corpus_of(wildcards)) / table)

    def corpus_surveys(self, wildcards: Any) -> list[str]:
        """Surveys of the data sets of a corpus."""
        corpus = self.papers[wildcards.paper].settings.corpora[wildcards.corpus]
        return [self.survey_file(name, "survey.json") for name in corpus.data_sets]

    def corpus_sources(self, wildcards: Any) -> list[str]:
        """What the tables of a corpus are made from: the recipe of a remix, or surveys of official data sets."""
        paper = self.papers[wildcards.paper]
        if isinstance(paper.settings.corpora[wildcards.corpus], Remix):
            return [str(places.recipe_file(self.config, paper, wildcards.corpus))]
        return self.corpus_surveys(wildcards)

    def corpus_settings(self, wildcards: Any) -> str:
        """What the recipe and the tables of a corpus depend on: corpus, order of classes, length of a clip."""
        settings, name = self.papers[wildcards.paper].settings, wildcards.corpus
        return _compact(settings.corpora[name], settings.classes_of(name), settings.front_end_of(name).clip_seconds)

    def feature_settings(self, wildcards: Any) -> str:
        """What the features and the rendered mixtures of a corpus depend on: its front end, too."""
        settings = self.papers[wildcards.paper].settings
        name = wildcards.corpus if hasattr(wildcards, "corpus") else self.corpus_of(wildcards)
        return _compact(settings.corpora[name], settings.classes_of(name), settings.front_end_of(name))

    def audio_folders(self) -> list[str]:
        """Folders of the rendered mixtures, one per paper and corpus variant."""
        return [
            str(places.rendered_folder(self.config, name, variant))
            for name, paper in self.papers.items()
            for corpus, settings in paper.settings.corpora.items()
            if isinstance(settings, Remix)
            for variant in settings.variants(corpus)
        ]

    # --- runs

    def run_of(self, wildcards: Any) -> RunIdentity:
        """The run that a job is about."""
        names = (wildcards.paper, wildcards.system, wildcards.variant)
        return RunIdentity(*names, int(wildcards.fold), int(wildcards.seed))

    def run_features(self, wildcards: Any) -> str:
        """The feature store of a run."""
        return str(places.store_folder(self.config, self.papers[wildcards.paper], self.corpus_of(wildcards)))

    def training_labels(self, wildcards: Any) -> list[str]:
        """Strong labels, for a run that is trained on some."""
        needed = needs_strong_labels(self.papers[wildcards.paper], self.run_of(wildcards))
        return [self.corpus_table(wildcards, "strong.tsv")] if needed else []

    def training_base(self, wildcards: Any) -> list[str]:
        """What a run takes over from the run that it is based on."""
        return [str(path) for path in base_files(self.config, self.papers[wildcards.paper], self.run_of(wildcards))]

    def run_settings(self, wildcards: Any) -> str:
        """Everything of the settings and the configuration that decides a run's result."""
        paper = self.papers[wildcards.paper]
        return _compact(
            paper.run(wildcards.system, wildcards.variant),
            paper.settings.corpora[self.corpus_of(wildcards)],
            paper.budget,
            self.config.mixed_precision,
            self.config.tf32,
            stores_frames(self.config, paper),
        )

    def training_code(self, wildcards: Any) -> str:
        """Digest of the code that trains a run."""
        return code_digest(training_code(self.papers[wildcards.paper], self.run_of(wildcards)))

    def network_code(self, wildcards: Any) -> str:
        """Digest of the code that asks a trained run for pseudo-labels."""
        return code_digest([step_module("pseudo_labels"), network_module(wildcards.paper)])

    # --- order and devices

    def run_priority(self, wildcards: Any) -> int:
        """Runs of the first seed come before all of the second, whatever their paper: its numbers are there early."""
        seeds = self.papers[wildcards.paper].settings.systems[wildcards.system].seeds or self.config.seeds
        return max(PREPARING - 1 - seeds.index(int(wildcards.seed)), 0) if int(wildcards.seed) in seeds else 0

    def gpu_mib(self, wildcards: Any) -> int:
        """GPU memory of a run, as Snakemake counts it: no job is started to wait for what others will hold."""
        if not self.gpus:
            return 0
        need = importlib.import_module("sedrepro.experiments.gpu_memory").needed_mib
        run = self.run_of(wildcards)
        return min(need(self.config, self.papers[run.paper], run, gpu.name) for gpu in self.gpus)

    @functools.cached_property
    def gpus(self) -> list[Gpu]:
        """The GPUs that jobs on this machine use."""
        return gpus.visible_gpus() if self.config.device != "cpu" and gpus.has_cuda() else []

    @property
    def gpu_mib_here(self) -> int:
        """Memory of all of them that runs may take."""
        return sum(gpus.usable_mib(gpu.total) for gpu in self.gpus)

    def require_a_gpu(self) -> None:
        """Refuse to train at scale full on a processor, with what it would take.

        Raises:
            SettingsError: there is no GPU, and the configuration does not say on_cpu.
        """
        if self.config.scale != "full" or self.config.on_cpu or self.gpus:
            return
        line = importlib.import_module("sedrepro.reporting.status.forecast_text").one_line(self.config)
        raise SettingsError(f"{line}; use a machine with a GPU (make plan shows more), or set on_cpu=true")

    def score_settings(self, wildcards: Any) -> str:
        """How the runs on a corpus variant are scored."""
        settings, corpus = self.papers[wildcards.paper].settings, self.corpus_of(wildcards)
        ways = settings.detection_of(corpus)
        return _compact(settings.evaluation, ways, settings.corpora[corpus], settings.front_end_of(corpus))

    def score_code(self, wildcards: Any) -> str:
        """Digest of the code that scores the runs on a corpus variant, with its ways of detection and the sweep's."""
        ways = self.papers[wildcards.paper].settings.detection_of(self.corpus_of(wildcards)).values()
        kinds = [*KINDS, *(way.kind for way in ways)]
        return code_digest([step_module("score"), *map(method_module, kinds)])

    # --- what is shown

    def paper_outputs(self, name: str) -> list[str]:
        """Every table and figure of a paper, its coverage, and the list of its model cards."""
        settings = self.papers[name].settings
        tables = [
            str(places.table_file(self.config, name, table).with_suffix(form))
            for table in settings.tables
            for form in TABLE_FORMS
        ]
        stems = [places.figures_folder(self.config, name) / figure for figure in self._shown_figures(name)]
        figures = [f"{stem}{form}" for stem in stems for form in FIGURE_FORMS]
        coverage = [self.results(name, f"coverage{form}") for form in COVERAGE_FORMS]
        return [*tables, *figures, *coverage, self.results(name, "model_cards.csv")]

    def _shown_figures(self, name: str) -> list[str]:
        """The figures of a paper whose data are there."""
        paper = self.papers[name]
        figures = paper.settings.figures.items()
        return [figure for figure, shown in figures if not lacks(self.config, paper, shown.variant)]

    def figure_files(self, wildcards: Any) -> list[str]:
        """Files of the runs that a figure looks into, metrics if it shows all runs, and the events of their corpus."""
        paper = self.papers[wildcards.paper]
        figure = paper.settings.figure_of(wildcards.figure)
        folders = [run.folder(self.config) for run in figure_runs(self.config, paper, wildcards.figure)]
        read = [*RUN_FILES, *(SCORE_FILES if figure.runs == "all" else [])]
        corpus = paper.settings.corpus_of(figure.variant)[0]
        strong = places.corpus_folder(self.config, paper, corpus) / "strong.tsv"
        return [*(str(folder / name) for folder in folders for name in read), str(strong)]

    def figure_settings(self, wildcards: Any) -> str:
        """A figure, the labels of its systems, and the settings of the runs that it rebuilds."""
        paper = self.papers[wildcards.paper]
        figure = paper.settings.figure_of(wildcards.figure)
        labels = [paper.settings.systems[system].label for system in figure.systems]
        runs = [paper.run(system, figure.variant) for system in figure.systems]
        return _compact(figure, labels, runs)

    def figure_code(self, wildcards: Any, step: str) -> str:
        """Digest of the code that examines or draws a figure."""
        modules = [step_module(step), figures_module(wildcards.paper)]
        return code_digest([*modules, *([network_module(wildcards.paper)] if step == "examine" else [])])

    def table_metrics(self, wildcards: Any) -> list[str]:
        """Metrics files that a table reads."""
        runs = table_runs(self.config, self.papers[wildcards.paper], wildcards.table)
        return [str(run.metrics_file(self.config)) for run in runs]

    def table_arrays(self, wildcards: Any) -> list[str]:
        """What figures have stored that a table of claims looks at."""
        shown = self._shown_figures(wildcards.paper)
        arrays = table_figures(self.config, self.papers[wildcards.paper], wildcards.table)
        return [str(path) for path in arrays if path.stem in shown]

    def table_settings(self, wildcards: Any) -> str:
        """Layout of a table; what text and claims tell of the settings, all of them may change; claims on sizes count
        the published networks."""
        paper = self.papers[wildcards.paper]
        layout = paper.settings.tables[wildcards.table]
        told: tuple[Any, ...] = () if layout.kind == "numbers" else (paper.settings, str(paper.provenance))
        if layout.kind == "claims":
            published = as_published(paper.name).settings
            told += (published.networks, published.systems)
        lacking = [name for name in paper.settings.data_sets if name in self.config.without]
        return _compact(layout, *told, *lacking)

    def table_code(self, wildcards: Any) -> str:
        """Digest of the code that fills a table, and of the printed cells that define it."""
        paper = self.papers[wildcards.paper]
        kind = paper.settings.tables[wildcards.table].kind
        own = {"text": ["tables", "network"], "claims": ["claims", "network"]}.get(kind, [])
        modules = [f"sedrepro.papers.{paper.name}.{name}" for name in own]
        return code_digest([step_module("table"), *modules], [cells_file(paper, wildcards.table)])

    def all_tables(self, kind: str | None = None) -> list[str]:
        """Every table of cells of all papers, or those of a kind."""
        if kind is None:
            return [str(table.path) for name in self.papers for table in paper_tables(self.config, name)]
        return [
            str(places.table_file(self.config, name, table))
            for name, paper in self.papers.items()
            for table, layout in paper.settings.tables.items()
            if layout.kind == kind
        ]

    def card_files(self, wildcards: Any) -> list[str]:
        """What the model cards of a paper are written from."""
        names = (CONFIG, ENVIRONMENT, "metrics.json")
        runs = scored_runs(self.config, self.papers[wildcards.paper])
        return [str(run.folder(self.config) / name) for run in runs for name in names]

    def page_inputs(self) -> list[str]:
        """What the results page shows or links: the papers' outputs, and what is over all papers."""
        over_all = [self.results(f"{name}.csv") for name in ("comparison", "claims", "post_processing")]
        return [*(path for name in self.papers for path in self.paper_outputs(name)), *over_all]

    def all_settings(self, name: str = "") -> str:
        """Every setting of a paper or of all, with where it comes from."""
        papers = [self.papers[name]] if name else self.papers.values()
        return _compact(*(part for paper in papers for part in (paper.settings, str(paper.provenance))))

    def sweep_counts(self, wildcards: Any) -> list[str]:
        """What was counted of the runs of a paper's tables."""
        runs = sweep_runs(self.config, self.papers[wildcards.paper])
        return [str(run.folder(self.config) / SWEEP_COUNTS) for run in runs]


def _runs(config: Config, paper: Paper) -> set[RunIdentity]:
    """The runs that tables and figures of a paper show."""
    of_tables = {run for table in paper.settings.tables for run in table_runs(config, paper, table)}
    return of_tables | {run for figure in paper.settings.figures for run in figure_runs(config, paper, figure)}


def code_digest(modules: Sequence[str], files: Sequence[Path] = ()) -> str:
    """Digest of code, computed once: it does not change while the workflow is planned."""
    return _digest(tuple(modules), tuple(files))


@functools.cache
def _digest(modules: tuple[str, ...], files: tuple[Path, ...]) -> str:
    return code.code_digest(modules, files)


def step_module(step: str) -> str:
    """Name of the module of a step."""
    return f"sedrepro.steps.{step}"


def step_code(step: str, *named: str, files: Sequence[Path] = ()) -> str:
    """Digest of the code of a step, of modules that it finds by name, and of files that it reads."""
    return code_digest([step_module(step), *named], files)


def survey_code(wildcards: Any) -> str:
    """Digest of the code that surveys a data set."""
    return step_code("survey", f"sedrepro.data_sets.{wildcards.data_set}")


def synthesis_code(wildcards: Any) -> str:
    """Digest of the code that synthesises a data set."""
    return step_code("synthesise", writer_module(wildcards.archive))


def corpus_code(plan: Plan, wildcards: Any, step: str) -> str:
    """Digest of the code of a step on a corpus, with the data sets that it is made of."""
    corpus = plan.papers[wildcards.paper].settings.corpora[wildcards.corpus]
    return step_code(step, *(f"sedrepro.data_sets.{name}" for name in corpus.data_sets))


def _compact(*parts: Any) -> str:
    """Settings as one line of JSON: a rule's parameter, so that changing one reruns what depends on it."""
    return json.dumps([_plain(part) for part in parts])


def _plain(part: Any) -> Any:
    if isinstance(part, BaseModel):
        return part.model_dump(mode="json")
    if isinstance(part, Mapping):
        return {key: _plain(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(value) for value in part]
    return part


def _not_in_place(config: Config, name: str, lacking: Sequence[str], owned: Mapping[str, Sequence[str]]) -> str:
    users = [paper for paper, names in owned.items() if name in names]
    return (
        f"data_root must hold {name} in its official layout; {config.corpora_dir} lacks {lacking[0]}"
        + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "")
        + (f". {', '.join(users)} need it; other papers: papers=NAME (make: PAPER=NAME)" if users else "")
    )
