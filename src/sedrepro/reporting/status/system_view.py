"""One system of a paper: its settings with their provenance, its runs, and their metrics in short."""

from sedrepro.base.errors import SedreproError
from sedrepro.base.terminal import folded
from sedrepro.base.words import counted
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.metrics_files import read_metrics
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.run_config import read_run_config
from sedrepro.experiments.runs import RunIdentity
from sedrepro.experiments.trained_runs import trained_runs, variants_of
from sedrepro.reporting.status.model_card import in_short
from sedrepro.reporting.status.provenance import print_overruled, print_rows, setting_rows
from sedrepro.training.settings import TrainingMethod


def system_rows(paper: Paper, system: str, variant: str) -> list[tuple[str, str, str, str]]:
    """(key, value, source, reason) of every setting that a system's runs on a corpus variant depend on.

    What the method of training inherits from the paper's and does not use is left out.
    Later rows override earlier ones: `training_on` and `systems` change what `training` and `networks` say.

    Raises:
        SettingsError: the system or the variant is unknown (names the nearest).
    """
    method = paper.run(system, variant).training.method
    corpus = paper.settings.corpus_of(variant)[0]
    wanted = [
        *("front_end", f"corpora.{corpus}", f"networks.{paper.settings.systems[system].network}", "training"),
        *("evaluation", *(f"detection.{name}" for name in paper.settings.detection_of(corpus))),
        *(f"training_on.{corpus}", f"systems.{system}"),
    ]
    rows = [row for row in setting_rows(paper) if not _unused(row[0], corpus, method)]
    return [row for section in wanted for row in rows if _in_section(row[0], section, paper, system)]


def _unused(key: str, corpus: str, method: TrainingMethod) -> bool:
    """Whether a dotted key is one of a method of training that a system's own does not have or ignores."""
    for section in ("training.method.", f"training_on.{corpus}.method."):
        if key.startswith(section):
            name = key.removeprefix(section)
            known = name.split(".")[0] in type(method).model_fields
            return not known or any(name == each or name.startswith(f"{each}.") for each in method.unused)
    return False


def _in_section(key: str, section: str, paper: Paper, system: str) -> bool:
    """Whether a dotted key is a section or lies in it; names of systems hold dots themselves."""
    if key != section and not key.startswith(f"{section}."):
        return False
    longer = [name for name in paper.settings.systems if name != system and name.startswith(f"{system}.")]
    return not any(key == f"systems.{name}" or key.startswith(f"systems.{name}.") for name in longer)


def print_system(config: Config, paper: Paper, system: str, variant: str | None = None) -> None:
    """Print the settings of a system on a corpus variant, the paper's first without one, and all its runs."""
    variant = variant or variants_of(paper)[0]
    rows = system_rows(paper, system, variant)
    about = paper.settings.about
    print(f"{paper.name}/{system} on {variant}, scale {config.scale}, budget {paper.budget}")
    print(folded(f"{paper.settings.systems[system].label}, of {about.title} ({about.published_in})"))
    print("training_on and systems, at the end, override training and networks\n")
    print_rows(rows)
    print_overruled(paper)
    runs = trained_runs(config, paper, system)
    print("\nno trained run" if not runs else "\nruns, on all variants")
    for run in runs:
        print("\n".join(map(folded, run_lines(config, run))))


def run_lines(config: Config, run: RunIdentity) -> list[str]:
    """A run in short: its place, its parameters, where it lies, and its metrics by split."""
    folder = run.folder(config)
    parameters = read_run_config(folder).parameters
    size = f", {parameters} parameters" if parameters else ""
    lines = [f"{run.variant}, fold {run.fold}, seed {run.seed}{size}: {folder}"]
    try:
        splits = read_metrics(folder / "metrics.json").splits
    except SedreproError as error:
        return [*lines, f"  no metrics: {error}"]
    for name, split in splits.items():
        lines.append(f"  {name}, {counted(split.clips, 'clip')}: {in_short(split.metrics)}")
        lines += [f"  {name}, {way}: {in_short(found.metrics)}" for way, found in split.detections.items()]
    return lines
