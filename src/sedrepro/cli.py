"""Command line of the suite: one verb per step; heavy modules are imported by the verb that needs them."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sedrepro import __version__
from sedrepro.base.errors import SedreproError, SettingsError, did_you_mean
from sedrepro.experiments.configuration import SCALES, Config, load_config, parse_assignments


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; what it returns or 0 if it succeeded, 1 after a one-line error, 130 if interrupted."""
    options = build_parser().parse_args(arguments)
    try:
        return options.run(options, configuration(options)) or 0
    except SedreproError as error:
        print(f"sedrepro {options.verb}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"sedrepro {options.verb}: interrupted; run it again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def configuration(options: argparse.Namespace) -> Config:
    """The configuration that the common options describe: file, scale, and `--set key=value` changes."""
    from sedrepro.experiments.settings import paper_names

    changes, overrides = {}, {}
    for key, value in parse_assignments(options.set).items():
        paper, dot, rest = key.partition(".")
        if not dot:
            changes[key] = value
        elif paper in paper_names():
            overrides.setdefault(paper, {})[rest] = value
        else:
            raise SettingsError(f"--set {key}: '{paper}' is no paper; {did_you_mean(paper, paper_names())}")
    if overrides:
        changes["set"] = overrides
    return load_config(options.scale, options.config, changes)


def build_parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("configuration")
    group.add_argument("--scale", help=f"one of {', '.join(SCALES)} (default: miniature)")
    group.add_argument("--config", type=Path, help="configuration file (default: config/<scale>.yaml)")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a configuration key, or a paper's setting as PAPER.KEY=VALUE; may be repeated",
    )
    parser = argparse.ArgumentParser(prog="python -m sedrepro", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (function, options) in VERBS.items():
        summary = (function.__doc__ or "").splitlines()[0]
        verb = verbs.add_parser(name, help=summary, description=summary, parents=[common])
        for option in options:
            _add_option(verb, option)
        verb.set_defaults(run=function)
    return parser


def _add_option(verb: argparse.ArgumentParser, option: str) -> None:
    flag, kind, text = OPTIONS[option]
    if kind is bool:
        verb.add_argument(flag, action="store_true", help=text)
        return
    if not flag.startswith("-"):
        verb.add_argument(flag, type=kind, nargs="+", metavar=flag.upper(), help=text)
        return
    verb.add_argument(flag, type=kind, default=OPTIONAL.get(option), required=option not in OPTIONAL, help=text)


def _at_least(least: int) -> Callable[[str], int]:
    """Reader of a whole number for the parser, which then refuses smaller ones."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return int(text)

    return number


OPTIONAL = {
    "threads": 1,
    "clips": None,
    "owner": "data",
    "note": "",
    "splits": "",
    "cookies": None,
    "pause": None,
    "minimum_rate": None,
    "output": None,
    "swept": None,
    "any_variant": None,
    "any_fold": None,
    "any_seed": None,
    "way": None,
    "form": "both",
    "of_paper": "",
    "of_table": "",
}
OPTIONS: dict[str, tuple[str, Callable, str]] = {
    "paper": ("--paper", str, "paper, by folder name"),
    "swept": ("--paper", str, "paper to sweep (default: join what was swept)"),
    "of_paper": ("--paper", str, "only this paper (default: all chosen ones)"),
    "of_table": ("--table", str, "only the tables of this name (default: all)"),
    "strict": ("--strict", bool, "end with status 1 if a cell differs"),
    "one_system": ("--system", str, "PAPER/SYSTEM, hierarchical_pooling/linear_single for example"),
    "systems": ("systems", str, "systems, each as PAPER/SYSTEM"),
    "any_variant": ("--variant", str, "corpus variant (default: the first of the paper's)"),
    "any_fold": ("--fold", _at_least(0), "held-out fold (default: the first that is trained)"),
    "any_seed": ("--seed", _at_least(0), "seed of the run (default: the first that is trained)"),
    "way": ("--detection", str, "way from scores to events, by its name in the paper's settings (default: the first)"),
    "form": ("--format", str, "tsv, json or both (default: both)"),
    "owner": ("--owner", str, "paper whose data sets to look at, or data: those configured (default: data)"),
    "system": ("--system", str, "system of the paper"),
    "variant": ("--variant", str, "corpus variant, remix_0db for example"),
    "corpus": ("--corpus", str, "corpus of the paper, remix for example"),
    "data_set": ("--data-set", str, "official data set, fsdkaggle2018 for example"),
    "splits": ("--splits", str, "splits, separated by commas (default: those that lie in no archive)"),
    "sources": ("--sources", str, "in this order: folder, archive, mirror of the manifest, or youtube, with commas"),
    "accept_terms": ("--accept-terms", bool, "YouTube only: its terms are known and accepted"),
    "retry_failed": ("--retry-failed", bool, "YouTube only: also clips that failed for good before"),
    "cookies": ("--cookies", Path, "YouTube only: a file of cookies for yt-dlp"),
    "pause": ("--pause", float, "YouTube only: seconds between the starts of two downloads"),
    "minimum_rate": ("--minimum-rate", _at_least(0), "refuse audio below this sample rate in Hz; 0 takes all"),
    "check": ("--check", bool, "fail if a disk is too small or there is no network"),
    "file": ("--file", str, "file of the data set, by its name in the manifest"),
    "fold": ("--fold", _at_least(0), "held-out fold"),
    "seed": ("--seed", _at_least(0), "seed of the run"),
    "table": ("--table", str, "table of the paper, table1 for example"),
    "figure": ("--figure", str, "figure of the paper, figure2 for example"),
    "threads": ("--threads", _at_least(1), "processor threads (default: 1)"),
    "command": ("--command", str, "the command that made the results"),
    "note": ("--note", str, "a remark to keep with them"),
    "clips": ("--clips", _at_least(1), "only the first so many mixtures"),
    "recordings": ("recordings", Path, "audio files of any length, rate and number of channels"),
    "output": ("--output", Path, "folder to write to (default: with the paper's results)"),
}


def synthesise(options: argparse.Namespace, config: Config) -> None:
    """Write a miniature data set: synthesised sounds in the official layout."""
    from sedrepro.base.files import write_json
    from sedrepro.miniature import WRITERS

    if config.scale != "miniature":
        raise SettingsError(f"scale '{config.scale}' uses recordings; only 'miniature' is synthesised")
    if options.data_set not in WRITERS:
        raise SettingsError(f"'{options.data_set}' cannot be synthesised; {did_you_mean(options.data_set, WRITERS)}")
    WRITERS[options.data_set](config.corpora_dir, config.miniature_seed)
    receipt = config.work_dir / config.scale / "synthesised" / f"{options.data_set}.json"
    write_json(receipt, {"data_set": options.data_set, "seed": config.miniature_seed})


def data(options: argparse.Namespace, config: Config) -> None:
    """Show what has to be downloaded for the data sets: files, sizes, licences, terms; nothing is downloaded."""
    from sedrepro.data_sets import data_set_names
    from sedrepro.obtaining.plan import check_plan, chosen_data_sets, print_plan

    names = chosen_data_sets(config) if config.named_data_sets else data_set_names()
    print_plan(config, names)
    if options.check:
        check_plan(config, names)


def obtain(options: argparse.Namespace, config: Config) -> None:
    """Download one file of a data set, check it, and put its contents in place; goes on where it was stopped."""
    from sedrepro.base.files import read_json
    from sedrepro.obtaining.obtain import obtain as obtain_file

    facts = read_json(obtain_file(config, options.data_set, options.file))
    kept = f"{facts['files']} {'file' if facts['files'] == 1 else 'files'} in place"
    print(f"{options.file}: {kept}" + (f", {facts['left_out']} others left out" if facts["left_out"] else ""))


def clips(options: argparse.Namespace, config: Config) -> None:
    """Take clips that lie in no archive from a folder, an archive, a mirror or YouTube; only those that are missing."""
    from sedrepro.obtaining.single_clips import Wishes, take_single_clips

    given = {
        "splits": tuple(_names(options.splits)),
        "accept_terms": options.accept_terms,
        "retry_failed": options.retry_failed,
        "cookies": options.cookies,
        "pause_seconds": options.pause,
        "minimum_rate": options.minimum_rate,
    }
    wishes = Wishes(**{name: value for name, value in given.items() if value is not None})
    take_single_clips(config, options.data_set, _names(options.sources), wishes)


def survey(options: argparse.Namespace, config: Config) -> None:
    """Decode every clip of a data set once; write its clips and labels tables, rejected clips and coverage."""
    from sedrepro.corpora.survey import survey as examine
    from sedrepro.corpora.survey import write_survey
    from sedrepro.data_sets import data_set, trait
    from sedrepro.experiments.runs import survey_folder
    from sedrepro.reporting.tables.coverage import in_a_line

    module, folder, root = data_set(options.data_set), survey_folder(config, options.data_set), config.corpora_dir
    found = examine(
        root, module.clips(root), options.data_set, trait(options.data_set, "USES_SILENT_CLIPS"), options.threads
    )
    facts = write_survey(folder, options.data_set, module.CLIP_SECONDS, found)
    print(in_a_line(facts, folder))
    rejected = [one for one in found if one.problem]
    for one in rejected[:20]:
        print(f"  left out: {one.clip.filename}: {one.detail}")
    if len(rejected) > 20:
        print(f"  and {len(rejected) - 20} more: {folder / 'rejected.tsv'}")


def coverage(options: argparse.Namespace, config: Config) -> None:
    """Write the page that says how much is there of a paper's data sets, or of those configured; print it in short."""
    from sedrepro.corpora.survey import read_survey_facts
    from sedrepro.experiments.runs import survey_folder
    from sedrepro.experiments.settings import load_paper
    from sedrepro.reporting.tables.coverage import in_a_line, write_coverage

    is_paper = options.owner != "data"
    names = load_paper(options.owner, config).settings.data_sets if is_paper else _surveyed(config)
    page = write_coverage(config, options.owner, names)
    for folder in (survey_folder(config, name) for name in names):
        print(in_a_line(read_survey_facts(folder), folder))
    print(f"Clips and labels tables: {survey_folder(config, '')}   Coverage: {page}")


def recipes(options: argparse.Namespace, config: Config) -> None:
    """Draw the recipe of a remix corpus: which events in which scene."""
    from sedrepro.steps.prepare import prepare_recipes

    print(f"{options.corpus}: {prepare_recipes(config, _paper(options, config), options.corpus)} mixtures")


def corpus_tables(options: argparse.Namespace, config: Config) -> None:
    """Write the clips and labels tables of a corpus of a paper."""
    from sedrepro.steps.prepare import prepare_tables

    print(f"{options.corpus}: {prepare_tables(config, _paper(options, config), options.corpus)} clips")


def features(options: argparse.Namespace, config: Config) -> None:
    """Extract the log-mel features of a corpus; a remix is mixed on the fly."""
    from sedrepro.base.memory import keep_freed_memory
    from sedrepro.steps.prepare import extract_features

    keep_freed_memory()
    print(extract_features(config, _paper(options, config), options.corpus, options.threads))


def remix_audio(options: argparse.Namespace, config: Config) -> None:
    """Write the mixtures of a corpus variant as WAV files, for listening."""
    from sedrepro.steps.prepare import render_audio

    print(render_audio(config, _paper(options, config), options.variant, options.threads, options.clips))


def train(options: argparse.Namespace, config: Config) -> None:
    """Train one run and score its held-out clips; goes on where a killed job stopped."""
    from sedrepro.base.memory import keep_freed_memory
    from sedrepro.experiments import runs

    keep_freed_memory()
    print(runs.train(_paper(options, config), _identity(options), config, options.threads, _log))


def pseudo_labels(options: argparse.Namespace, config: Config) -> None:
    """Store what a trained run says of the training clips without strong labels, for runs that are based on it."""
    from sedrepro.experiments import runs

    paper = _paper(options, config)
    paper.run(options.system, options.variant)
    print(runs.write_pseudo_labels(paper, _identity(options), config, options.threads))


def score(options: argparse.Namespace, config: Config) -> None:
    """Compute the metrics of a trained run from its stored scores."""
    from sedrepro.steps import score as scoring

    paper = _paper(options, config)
    paper.run(options.system, options.variant)
    print(scoring.score(paper, _identity(options), config))


def examine(options: argparse.Namespace, config: Config) -> None:
    """Look into the runs that a figure shows and store what the figure draws."""
    from sedrepro.reporting import figures

    print(figures.examine(config, _paper(options, config), options.figure))


def figure(options: argparse.Namespace, config: Config) -> None:
    """Draw a figure of a paper as SVG and PNG."""
    from sedrepro.reporting import figures

    print(figures.draw(config, _paper(options, config), options.figure))


def table(options: argparse.Namespace, config: Config) -> None:
    """Fill a table of a paper from the runs' metrics; write csv, Markdown, HTML and LaTeX."""
    from sedrepro.reporting.paper_tables import write_paper_table

    print(write_paper_table(config, _paper(options, config), options.table))


def sweep(options: argparse.Namespace, config: Config) -> None:
    """Try ways of post-processing on the stored scores of a paper's runs; without --paper, join the papers' parts."""
    from sedrepro.reporting.tables.sweep import write_sweep_table
    from sedrepro.steps.sweep import sweep as sweep_paper

    print(sweep_paper(config, _paper(options, config)) if options.paper else write_sweep_table(config))


def summary(options: argparse.Namespace, config: Config) -> None:
    """Print the tables of all papers in short, ours beside the published values."""
    from sedrepro.reporting.paper_tables import print_summary

    print_summary(config)


def compare(options: argparse.Namespace, config: Config) -> int:
    """Print the cells of the tables that are there beside the published values, with verdicts and intervals."""
    from sedrepro.reporting.tables.comparison_text import print_comparison

    differs = print_comparison(config, options.paper, options.table, sys.stdout)
    return int(differs and options.strict)


def comparison(options: argparse.Namespace, config: Config) -> None:
    """Write all cells of all tables beside the published values, and the counts of verdicts, as csv and Markdown."""
    from sedrepro.reporting.tables.comparison import write_comparison

    print(write_comparison(config))


def page(options: argparse.Namespace, config: Config) -> None:
    """Write the results page of a scale: one self-contained file over all papers, from what lies in the results."""
    from sedrepro.reporting.page.page import write_page

    print(write_page(config))


def claims(options: argparse.Namespace, config: Config) -> None:
    """Write what our runs say of every claim of the papers, as csv, and print how many hold."""
    from sedrepro.reporting.claims.claims_file import counts, missing_tables, read_claims_file, write_claims

    path = write_claims(config)
    print(*counts(read_claims_file(path)), *missing_tables(config), path, sep="\n")


def separate(options: argparse.Namespace, config: Config) -> None:
    """Separate recordings into the events that a trained run detects: a sound each, a table, a picture."""
    import torch

    from sedrepro.detection.hysteresis import Hysteresis
    from sedrepro.detection.methods import Fixed
    from sedrepro.experiments.run_view import RunView
    from sedrepro.inference.separate import separate as separate_recordings

    paper, who = _paper(options, config), _identity(options)
    paper.run(who.system, who.variant)
    methods = paper.settings.detection_of(paper.settings.corpus_of(who.variant)[0]).values()
    how = next((method for method in methods if isinstance(method, Hysteresis)), None)
    if how is None:
        raise SettingsError(f"{paper.name}: has no detection of kind hysteresis on '{who.variant}' to find events with")
    torch.set_num_threads(options.threads)
    folder = options.output or config.results_dir / config.scale / paper.name / "separated" / who.system
    separate_recordings(RunView(config, paper, who), options.recordings, folder, Fixed(how), _log)


def detect(options: argparse.Namespace, config: Config) -> None:
    """Find the events in recordings with a trained run: a table, a JSON file and a picture of each."""
    import torch

    from sedrepro.experiments.run_view import RunView
    from sedrepro.inference.choice import chosen_run, chosen_way, paper_and_system
    from sedrepro.inference.detect import detect as detect_events

    paper, system = paper_and_system(config, options.system)
    who = chosen_run(config, paper, system, options.variant, options.fold, options.seed)
    run = RunView(config, paper, who)
    torch.set_num_threads(options.threads)
    folder = options.output or config.results_dir / config.scale / paper.name / "detected" / system
    detect_events(run, options.recordings, folder, chosen_way(paper, run, options.detection), options.format, _log)


def list_states(options: argparse.Namespace, config: Config) -> None:
    """List systems, tables and figures: missing, stale (of other settings, or older than what it shows) or done."""
    from sedrepro.reporting.status.state import print_states

    print_states(config, options.paper)


def show(options: argparse.Namespace, config: Config) -> None:
    """Print every setting of a system with its provenance, and its runs with their metrics in short."""
    from sedrepro.inference.choice import paper_and_system
    from sedrepro.reporting.status.system_view import print_system

    for words in options.systems:
        print_system(config, *paper_and_system(config, words), options.variant)


def notebooks(options: argparse.Namespace, config: Config) -> None:
    """Run the notebooks of the chosen papers on the results of a scale; write copies with outputs beside these."""
    from sedrepro.reporting.notebooks.execution import run_notebooks

    run_notebooks(config, _log)


def settings(options: argparse.Namespace, config: Config) -> None:
    """Print every setting of a paper at a scale with its provenance."""
    from sedrepro.reporting.status.provenance import print_settings

    print_settings(_paper(options, config))


def record(options: argparse.Namespace, config: Config) -> None:
    """Keep tables, figures and metrics of a paper under results/recorded, with command, machine and date."""
    from sedrepro.reporting.status.record import record as keep

    print(keep(config, _paper(options, config), options.command, options.note))


def _paper(options: argparse.Namespace, config: Config):
    from sedrepro.experiments.settings import load_paper

    return load_paper(options.paper, config)


def _identity(options: argparse.Namespace):
    from sedrepro.experiments.runs import RunIdentity

    return RunIdentity(options.paper, options.system, options.variant, options.fold, options.seed)


def _surveyed(config: Config) -> list[str]:
    """The chosen data sets, and others that were surveyed before."""
    from sedrepro.data_sets import data_set_names
    from sedrepro.experiments.runs import survey_folder
    from sedrepro.obtaining.plan import chosen_data_sets

    there = {name for name in data_set_names() if (survey_folder(config, name) / "survey.json").is_file()}
    return sorted(there.union(chosen_data_sets(config) if config.data_sets or not there else ()))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _log(line: str) -> None:
    print(line, flush=True)


RUN = ("paper", "system", "variant", "fold", "seed")
VERBS: dict[str, tuple[Callable[[argparse.Namespace, Config], int | None], tuple[str, ...]]] = {
    "synthesise": (synthesise, ("data_set",)),
    "data": (data, ("check",)),
    "obtain": (obtain, ("data_set", "file")),
    "clips": (
        clips,
        ("data_set", "sources", "splits", "accept_terms", "retry_failed", "cookies", "pause", "minimum_rate"),
    ),
    "survey": (survey, ("data_set", "threads")),
    "coverage": (coverage, ("owner",)),
    "recipes": (recipes, ("paper", "corpus")),
    "corpus-tables": (corpus_tables, ("paper", "corpus")),
    "features": (features, ("paper", "corpus", "threads")),
    "remix-audio": (remix_audio, ("paper", "variant", "threads", "clips")),
    "train": (train, (*RUN, "threads")),
    "pseudo-labels": (pseudo_labels, (*RUN, "threads")),
    "score": (score, RUN),
    "examine": (examine, ("paper", "figure")),
    "figure": (figure, ("paper", "figure")),
    "table": (table, ("paper", "table")),
    "sweep": (sweep, ("swept",)),
    "summary": (summary, ()),
    "compare": (compare, ("of_paper", "of_table", "strict")),
    "comparison": (comparison, ()),
    "claims": (claims, ()),
    "page": (page, ()),
    "separate": (separate, ("recordings", *RUN, "output", "threads")),
    "detect": (
        detect,
        ("recordings", "one_system", "any_variant", "any_fold", "any_seed", "way", "output", "form", "threads"),
    ),
    "list": (list_states, ("of_paper",)),
    "show": (show, ("systems", "any_variant")),
    "notebooks": (notebooks, ()),
    "settings": (settings, ("paper",)),
    "record": (record, ("paper", "command", "note")),
}
