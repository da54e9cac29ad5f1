"""Which run is asked, and which way from its scores to events is taken, from few words of the user."""

from dataclasses import dataclass

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.detection.median import MedianFiltered
from sedrepro.detection.method import Detector
from sedrepro.detection.methods import chosen_before
from sedrepro.detection.postprocessing import median_window
from sedrepro.detection.settings import Method
from sedrepro.detection.untuned import UNTUNED, UNTUNED_SECONDS
from sedrepro.experiments.commands import make_results
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper, paper_names
from sedrepro.experiments.run_files import CONFIG
from sedrepro.experiments.run_view import RunView
from sedrepro.experiments.runs import RunIdentity, runs_of
from sedrepro.experiments.trained_runs import trained_runs, variants_of

#: For papers that detect no events.
DEFAULT = UNTUNED
DEFAULT_NOTE = "the paper detects no events: threshold and window are this suite's own, and untuned"


def paper_and_system(config: Config, words: str) -> tuple[Paper, str]:
    """The paper and the system of `PAPER/SYSTEM`.

    Raises:
        SettingsError: there is no slash, or no such paper or system (names the nearest).
    """
    name, slash, system = words.partition("/")
    if not slash:
        hint = "" if name in paper_names() else f"; {did_you_mean(name, paper_names())}"
        raise SettingsError(f"'{words}': write PAPER/SYSTEM{hint}")
    paper = load_paper(name, config)
    paper.run(system)
    return paper, system


def chosen_run(
    config: Config,
    paper: Paper,
    system: str,
    variant: str | None = None,
    fold: int | None = None,
    seed: int | None = None,
) -> RunIdentity:
    """The first trained run of a system of which all that is given is true; see `trained_runs` for the order.

    Raises:
        DataError: there is none (names those that are there, or the command that trains one).
        SettingsError: the system or the variant is unknown (names the nearest).
    """
    paper.run(system, variant)
    there = trained_runs(config, paper, system)
    wanted = {"variant": variant, "fold": fold, "seed": seed}
    given = {key: value for key, value in wanted.items() if value is not None}
    for who in there:
        if all(getattr(who, key) == value for key, value in given.items()):
            return who
    asked = "".join(f", {key} {value}" for key, value in given.items())
    raise DataError(f"{paper.name}/{system}{asked}: no trained run; {_instead(config, paper, system, variant, there)}")


def _instead(config: Config, paper: Paper, system: str, variant: str | None, there: list[RunIdentity]) -> str:
    if there:
        return "there are: " + "; ".join(f"{who.variant}, fold {who.fold}, seed {who.seed}" for who in there)
    first = runs_of(config, paper, system, variant or variants_of(paper)[0])[0]
    target = (first.folder(config) / CONFIG).as_posix()
    return f"{make_results(config, TARGET=target)} trains one"


@dataclass(frozen=True)
class Way:
    """A way from scores to events, with what was chosen for it when the run was scored."""

    name: str
    how: Method
    detector: Detector
    note: str = ""


def chosen_way(paper: Paper, run: RunView, name: str | None = None) -> Way:
    """A way of detection of the run's corpus by name, the first one without; `DEFAULT` if the paper has none.

    Raises:
        DataError: the run was not scored, or not in this way.
        SettingsError: there is no such way (names the nearest).
    """
    ways = paper.settings.detection_of(paper.settings.corpus_of(run.who.variant)[0])
    name = name or next(iter(ways), "default")
    if name not in (ways or {"default": DEFAULT}):
        hint = did_you_mean(name, ways or ["default"])
        raise SettingsError(f"{paper.name}: detection '{name}' is unknown on '{run.who.variant}'; {hint}")
    classes, rate = run.classes, float(run.scores["frames_per_second"])
    if not ways:
        windows = [median_window(UNTUNED_SECONDS, rate)] * len(classes)
        return Way(name, DEFAULT, MedianFiltered(DEFAULT, classes, rate, windows, {}), DEFAULT_NOTE)
    return Way(name, ways[name], _as_scored(run, name, ways[name], classes, rate))


def _as_scored(run: RunView, name: str, how: Method, classes: list[str], rate: float) -> Detector:
    words = " ".join(f"--{word} {value}" for word, value in vars(run.who).items())
    remedy = f"score the run: python -m sedrepro score {words}"
    path = run.folder / "metrics.json"
    if not path.is_file():
        raise DataError(f"{path}: no such file, and '{name}' needs what was chosen on held-out clips; {remedy}")
    try:
        recorded = next(iter(run.metrics.splits.values())).detections[name]
        return chosen_before(how, recorded.settings, recorded.class_metrics, classes, rate)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: holds no detection '{name}' as the settings have it; {remedy}") from error
