"""Command line of the suite: each verb is a module of `sedrepro.steps`, which is imported only if it is called."""

import argparse
import ast
import functools
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from sedrepro import __version__, steps
from sedrepro.base.errors import DataError, MissingFileError, SedreproError, SettingsError, did_you_mean
from sedrepro.base.files import lies_in
from sedrepro.base.job_costs import recorded
from sedrepro.base.terminal import show_everything
from sedrepro.experiments.configuration import (
    CONFIG_VARIABLE,
    PROJECT_VARIABLE,
    Config,
    load_config,
    parse_assignments,
    split_by_paper,
)
from sedrepro.experiments.scales import SCALES

#: Modules of `sedrepro.steps` that are no verbs.
SHARED = ("__init__", "arguments", "request")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; what it returns or 0 if it succeeded, 1 after a one-line error, 130 if interrupted."""
    show_everything(sys.stdout, sys.stderr)
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = build_parser(words)
    called = _called(words)
    if called is not None and called not in verb_names():
        parser.error(f"verb '{called}' is unknown; {did_you_mean(called, verb_names())}")
    options, unknown = parser.parse_known_args(words)
    if unknown:
        parser.refuse(f"unrecognized arguments: {' '.join(unknown)}", options.verb)
    try:
        with recorded(words):
            return _run(options) or 0
    except SedreproError as error:
        print(f"sedrepro {options.verb}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"sedrepro {options.verb}: interrupted; run it again to resume", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _called(words: Sequence[str]) -> str | None:
    """The verb among the words of a command, which need not be one."""
    return next((word for word in words if not word.startswith("-")), None)


class OneLineParser(argparse.ArgumentParser):
    """A parser that tells what is wrong in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit with status 2."""
        self.refuse(message)

    def refuse(self, message: str, verb: str = "") -> NoReturn:
        """Print the line, of one of the verbs if it is named, and exit with status 2."""
        name = f"{self.prog.removeprefix('python -m ')} {verb}".rstrip()
        self.exit(2, f"{name}: error: {message}; see {name} --help\n")


def _run(options: argparse.Namespace) -> int | None:
    from sedrepro.steps.request import Request

    module = verb_module(options.verb)
    # Some verbs work on files alone, away from any checkout with its configuration.
    needs = getattr(module, "needs_configuration", None)
    config = configuration(options) if needs is None or needs(options) else None
    try:
        return module.run(Request(options, config))
    except MissingFileError as error:
        raise DataError(f"{error}{_what_makes(config, error.output)}") from error


def _what_makes(config: Config | None, path: Path) -> str:
    """The command that makes a file of the suite's own; empty for another file."""
    from sedrepro.experiments.commands import make_results
    from sedrepro.experiments.places import results_folder, work_folder

    if config is None or not any(lies_in(path, folder) for folder in (results_folder(config), work_folder(config))):
        return ""
    moved = [
        f"{key}={folder}"
        for key in ("work_dir", "results_dir")
        if str(folder := getattr(config, key)) != str(Config.model_fields[key].default)
    ]
    changes = {"CONFIG": " ".join(moved)} if moved else {}
    target = {} if lies_in(path, config.corpora_dir) else {"TARGET": path}  # of data the steps name no single file
    return f"; {make_results(config, **target, **changes)} makes it"


@functools.cache
def verb_names() -> tuple[str, ...]:
    """All verbs."""
    names = (path.stem for path in Path(steps.__file__).parent.glob("*.py"))
    return tuple(sorted(name.replace("_", "-") for name in names if name not in SHARED))


def verb_module(verb: str):
    """The module of a verb."""
    return importlib.import_module(f"{steps.__name__}.{verb.replace('-', '_')}")


def configuration(options: argparse.Namespace) -> Config:
    """The configuration that the common options describe: file, scale, and `--set key=value` changes."""
    changes, overrides = split_by_paper(parse_assignments(options.set))
    for paper, given in overrides.items():
        if paper not in (known := _paper_names()):
            key = f"{paper}.{next(iter(given))}"
            hint = _of_papers(key, options) or f"; {did_you_mean(paper, known)}"
            raise SettingsError(f"--set {key}: '{paper}' is not a paper{hint}")
    for key in changes:
        if key not in Config.model_fields and (hint := _of_papers(key, options)):
            raise SettingsError(f"--set {key}: is no key of the configuration{hint}")
    if overrides:
        changes["set"] = overrides
    file = options.config
    if file is None and options.scale is None and "scale" not in changes and os.environ.get(CONFIG_VARIABLE):
        file = Path(os.environ[CONFIG_VARIABLE])
    project = options.project or os.environ.get(PROJECT_VARIABLE)
    reads_data = getattr(verb_module(options.verb), "READS_DATA", True)
    return load_config(options.scale, file, changes, Path(project) if project else None, reads_data)


def _of_papers(key: str, options: argparse.Namespace) -> str:
    """A hint at settings of papers that end in a key, of the paper of the options first; empty where none does."""
    from sedrepro.experiments.papers import papers_with

    found = papers_with(key)
    own = getattr(options, "paper", None)
    whole = next((found[name] for name in (own, *found) if name in found), None)
    return "" if whole is None else f"; settings of papers are PAPER.KEY=VALUE, such as {whole}=..."


def _paper_names() -> list[str]:
    from sedrepro.experiments.papers import paper_names

    return paper_names()


def build_parser(words: Sequence[str] = ()) -> OneLineParser:
    """The command line's parser; only the verb that `words` name has its options, so that others are not imported."""
    common = OneLineParser(add_help=False)
    group = common.add_argument_group("configuration")
    group.add_argument("--scale", help=f"one of {', '.join(SCALES)} (default: miniature)")
    group.add_argument(
        "--project",
        type=Path,
        help=f"checkout whose scales, data and results are used (default: {PROJECT_VARIABLE}, or .)",
    )
    group.add_argument("--config", type=Path, help="configuration file (default: config/<scale>.yaml)")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a configuration key, or a paper's setting as PAPER.KEY=VALUE; may be repeated",
    )
    parser = OneLineParser(
        prog="python -m sedrepro",
        description="Reproduce papers on sound event detection; `VERB --help` lists the options of a verb.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    called = _called(words)
    for name in verb_names():
        summary = _summary(name)
        verb = verbs.add_parser(name, help=summary, description=summary, parents=[common])
        if name == called and hasattr(module := verb_module(name), "add_arguments"):
            module.add_arguments(verb)
    return parser


@functools.cache
def _summary(verb: str) -> str:
    """First line of the docstring of a verb's module, which is not imported for it."""
    file = Path(steps.__file__).with_name(f"{verb.replace('-', '_')}.py")
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").splitlines()[0]
