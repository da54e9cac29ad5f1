"""The forecast as one screen of text, and as one line."""

import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sedrepro.base import gpus
from sedrepro.base.files import free_space, in_words
from sedrepro.base.terminal import aligned
from sedrepro.base.words import counted
from sedrepro.data_sets import trait
from sedrepro.experiments.configuration import Config, budget_of
from sedrepro.experiments.devices import REFERENCE_CORE, Device, cores, device_of, known_device
from sedrepro.experiments.environment import processor_name
from sedrepro.experiments.papers import Paper, chosen_papers, load_paper
from sedrepro.experiments.runs import RunIdentity, lacks
from sedrepro.obtaining.plan import absent_data_sets, files_of, missing_bytes, origin_of, unpacked_size
from sedrepro.reporting.status.forecast import Forecast, Machine, forecast, together
from sedrepro.reporting.targets import planned_runs, runs_of_targets

WIDTH = 118
HEAD = ("paper", "runs", "done", "PFLOP", "hours", "first seed", "per run", "at once", "features", "results")
#: CPU seconds, measured where the official numbers of clips were prepared and scored: of a survey per clip, of features
#: per GB, of scoring per run.
SURVEY_SECONDS, FEATURE_SECONDS, SCORING_SECONDS = 0.005, 200, 7


def machine_of(config: Config, gpu: str = "", count: int = 1) -> Machine:
    """What runs would be trained on: GPUs of a named kind, those at hand, or the processor."""
    if gpu:
        return Machine(known_device(gpu), count, True)
    seen = gpus.visible_gpus() if config.device != "cpu" and gpus.has_cuda() else []
    if seen:
        (name, number), *_ = Counter(each.name for each in seen).most_common()
        return Machine(device_of(next(each for each in seen if each.name == name)), number, True)
    return Machine(Device(processor_name(), 0, 0, _main_memory()), cores(), False)


def one_line(config: Config, only: str = "", gpu: str = "", count: int = 1, targets: Sequence[str] = ()) -> str:
    """What is to be trained, for all of a scale or what some files need, and for how long, in one line."""
    machine, papers = machine_of(config, gpu, count), _papers(config, only)
    whole = together(forecast(config, papers, machine, runs_of_targets(config, papers, targets)))
    return (
        f"{config.scale}: {counted(len(whole.to_do), 'run')} to train, {whole.flops / 1e18:.3g} EFLOP, about "
        f"{_time(whole.hours / machine.count)} on {_words(machine)}"
    )


def print_forecast(config: Config, only: str = "", gpu: str = "", count: int = 1, targets: Sequence[str] = ()) -> None:
    """Print what a scale costs, or only what some files do; one screen. On stderr stands what is waited for."""
    machine, papers = machine_of(config, gpu, count), _papers(config, only)
    runs = runs_of_targets(config, papers, targets)
    papers = [paper for paper in papers if paper.name in runs or not targets]
    absent = absent_data_sets(config, _data_sets(papers))
    if config.scale != "full":  # at full official numbers are known, and all of it may still be brought
        config = config.model_copy(update={"without": tuple(sorted({*config.without, *absent}))})
        runs = {paper.name: _at_hand(config, paper, runs.get(paper.name, ())) for paper in papers}
    found = forecast(config, papers, machine, runs, lambda line: print(line, file=sys.stderr, flush=True))
    whole = together(found)
    size = f", budget {budget_of(config)}" if config.scale == "recordings" else ""
    print(f"{config.scale}{size} on {_words(machine)}; seeds {_list(config.seeds)}")
    rows = [_row(config, each, machine) for each in ([*found, whole] if len(found) > 1 else found)]
    print(aligned([HEAD, *rows], left=1, indent=""))
    lines = [*_lines(config, whole, papers, machine), *_left_out(config, papers, absent)]
    for line in lines:
        print(textwrap.fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False))


def _at_hand(config: Config, paper: Paper, runs: Iterable[RunIdentity]) -> list[RunIdentity]:
    """The runs whose data the configuration does not do without."""
    return [who for who in runs if not lacks(config, paper, who.variant)]


def _papers(config: Config, only: str) -> list[Paper]:
    return [load_paper(name, config) for name in ([only] if only else chosen_papers(config))]


def _plain(number: float) -> str:
    """A number with three digits, or all of its whole ones."""
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def _row(config: Config, each: Forecast, machine: Machine) -> tuple[str, ...]:
    first = each.of_seed(config.seeds[:1])
    return (
        each.name,
        str(len(each.runs)),
        str(len(each.runs) - len(each.to_do)),
        _plain(each.flops / 1e15),
        _plain(each.hours),
        _plain(first.hours),
        _mib(each.memory_mib),
        str(at_once(each, machine)),
        in_words(each.features_bytes),
        in_words(each.files_bytes),
    )


def at_once(each: Forecast, machine: Machine) -> int:
    """How many of the largest runs share a GPU, or the cores and the memory of the machine."""
    if machine.is_gpu:
        return gpus.usable_mib(machine.device.memory_mib) // max(each.memory_mib, 1)
    return min(machine.count, machine.device.memory_mib // max(each.memory_mib, 1))


def _lines(config: Config, whole: Forecast, papers: Sequence[Paper], machine: Machine) -> Iterable[str]:
    unit = "GPU" if machine.is_gpu else "core"
    first = whole.of_seed(config.seeds[:1])
    yield (
        f"hours: of one {unit}. In all {_time(whole.hours / machine.count)} on {machine.count}, of which seed "
        f"{config.seeds[0]} alone takes {_time(first.hours / machine.count)}; it is trained first. Networks "
        "that may stop early are assumed to train to the last epoch."
    )
    yield _origin_of_rates(whole, machine)
    if machine.is_gpu and (large := [run for run in whole.to_do if run.memory_mib > _given_away(machine)]):
        names = sorted({f"{run.who.paper}/{run.who.system}" for run in large})
        yield (
            f"DOES NOT FIT: {counted(len(large), 'run')} of {_list(names[:3])}{', ...' if len(names) > 3 else ''} "
            f"need up to {_mib(max(run.memory_mib for run in large))}; a GPU offers {_mib(_given_away(machine))}"
        )
    clips = sum(sum(trait(name, "CLIPS").values()) for name in _data_sets(papers)) if config.scale == "full" else 0
    prepared = clips * SURVEY_SECONDS + whole.features_bytes / 1e9 * FEATURE_SECONDS
    beside = (prepared + SCORING_SECONDS * len(whole.to_do)) / 3600
    yield f"besides training: about {beside:.2g} CPU hours to prepare the data and to score"
    yield from _obtaining(config, whole, papers)


def _origin_of_rates(whole: Forecast, machine: Machine) -> str:
    known = sum(run.measured for run in whole.runs)
    if known == len(whole.runs):
        return f"rates: measured on this {'GPU' if machine.is_gpu else 'processor'} by sedrepro calibrate"
    source = "those of an H200, scaled by data sheets" if machine.is_gpu else f"those of a core of {REFERENCE_CORE}"
    part = "" if not known else f"measured here for {known} of {len(whole.runs)} runs, else "
    return f"rates: {part}{source}, which may be wrong by a factor of two; sedrepro calibrate measures them"


def _given_away(machine: Machine) -> int:
    return gpus.usable_mib(machine.device.memory_mib)


def _obtaining(config: Config, whole: Forecast, papers: Sequence[Paper]) -> Iterable[str]:
    names = [name for name in _data_sets(papers) if name not in config.without]
    files = files_of(config, [name for name in names if origin_of(config, name) == "downloaded"])
    missing = missing_bytes(config, files)
    audio = unpacked_size(files)
    made = whole.features_bytes + whole.files_bytes
    free, need = free_space(config.work_dir), made + missing + (audio if missing else 0)
    yield (
        f"disk: {in_words(made)} of features and results"
        + (f", {in_words(missing)} of archives, {in_words(audio)} unpacked" if files else "")
        + f"; {in_words(free)} are free in {config.work_dir}"
        + (", NOT ENOUGH for all of it (data_root and archives may be elsewhere)" if need > free else "")
    )
    if missing:
        sets = Counter[str]()
        for file in files:
            sets[file.data_set] += missing_bytes(config, [file])
        parts = [f"{name} {in_words(size)}" for name, size in sets.items() if size]
        yield f"download: {in_words(missing)}: {_list(parts)}"
        yield f"terms: {'; '.join(dict.fromkeys(file.licence for file in files))}"


def _left_out(config: Config, papers: Sequence[Paper], absent: Mapping[str, str]) -> Iterable[str]:
    """What `make results` would leave out for want of data, if it were called now."""
    complete = config.model_copy(update={"without": ()})
    for name, reason in absent.items():
        without = config.model_copy(update={"without": (name,)})
        lost = {paper.name: len(planned_runs(complete, paper)) - len(planned_runs(without, paper)) for paper in papers}
        told = ", ".join(f"{counted(count, 'run')} of {paper}" for paper, count in lost.items() if count)
        if told:
            yield f"at present, {told} would be left out: {name}: {reason}"


def _data_sets(papers: Sequence[Paper]) -> list[str]:
    return sorted({name for paper in papers for name in paper.settings.data_sets})


def _words(machine: Machine) -> str:
    unit = "" if machine.is_gpu else (" cores of" if machine.count > 1 else " core of")
    return f"{machine.count}{unit or ' x'} {machine.device.name}"


def _time(hours: float) -> str:
    for size, unit in ((24 * 365, "years"), (24, "days"), (1, "hours")):
        if hours >= 2 * size:
            return f"{hours / size:.3g} {unit}"
    return f"{hours * 60:.3g} minutes"


def _mib(mib: int) -> str:
    return f"{mib / 1024:.1f} GiB"


def _list(entries: Iterable[object]) -> str:
    return ", ".join(map(str, entries))


def _main_memory() -> int:
    """MiB of the machine."""

    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 if hasattr(os, "sysconf") else 2**30
