"""What the runs of a scale will cost before they are started: time, memory, disk, downloads, and where they fit.

Operations of a training step are counted, the rate at which a device makes them is measured (by `calibrate`, or of the
suite's record and then scaled by the makers' data sheets), and numbers of clips are those at hand or of the official
tables. Networks that may stop early are taken to train to their last epoch.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sedrepro.base.words import counted
from sedrepro.corpora.settings import Remix
from sedrepro.experiments import devices
from sedrepro.experiments.clip_counts import corpus_clips, run_clips
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.devices import Device
from sedrepro.experiments.gpu_memory import MIB, reserved_mib, resident_bytes
from sedrepro.experiments.measured import Measured, measured_here, nearest, shipped
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.runs import RunIdentity, stores_frames
from sedrepro.experiments.scales import REHEARSAL
from sedrepro.experiments.step_costs import cost_file, step_cost
from sedrepro.reporting.status.state import PaperState
from sedrepro.reporting.targets import planned_runs
from sedrepro.training.budget import batches_per_epoch
from sedrepro.training.rehearsal import ASKED, STEPS, thinning
from sedrepro.training.settings import RunSettings

#: Seconds of a run beside its steps: reading the data, writing the results.
BESIDE_STEPS = 1.0
#: Main memory of a training process with torch, without data.
PROCESS_MIB = 600


@dataclass(frozen=True)
class Machine:
    """Devices that runs are to be trained on: GPUs, or the processor."""

    device: Device
    count: int
    is_gpu: bool


@dataclass(frozen=True)
class Run:
    """One run, forecast."""

    who: RunIdentity
    done: bool
    steps: int
    flops: float
    seconds: float
    """Alone on one device."""
    measured: bool
    """Whether its rate was measured on this device."""
    memory_mib: int
    """Of a GPU, or of the main memory where it trains on the processor."""
    files_bytes: int
    """What it leaves: scores and weights."""


@dataclass(frozen=True)
class Forecast:
    """The runs of a paper, or of several."""

    name: str
    runs: tuple[Run, ...]
    features_bytes: int

    @property
    def to_do(self) -> list[Run]:
        """Runs that are not there yet."""
        return [run for run in self.runs if not run.done]

    @property
    def hours(self) -> float:
        """Hours of one device."""
        return sum(run.seconds for run in self.to_do) / 3600

    @property
    def flops(self) -> float:
        """Operations of the runs that are not there yet."""
        return sum(run.flops for run in self.to_do)

    @property
    def memory_mib(self) -> int:
        """What the largest of its runs needs."""
        return max((run.memory_mib for run in self.runs), default=0)

    @property
    def files_bytes(self) -> int:
        """What its runs leave, without features."""
        return sum(run.files_bytes for run in self.runs)

    def of_seed(self, seeds: Iterable[int]) -> "Forecast":
        """The runs of some seeds alone."""
        kept = set(seeds)
        return replace(self, runs=tuple(run for run in self.runs if run.who.seed in kept))


def corpora_of(config: Config, paper: Paper) -> list[str]:
    """The corpora of a paper whose data sets the configuration does not do without."""
    corpora = paper.settings.corpora
    return [name for name, corpus in corpora.items() if not set(corpus.data_sets) & set(config.without)]


def forecast(
    config: Config,
    papers: Sequence[Paper],
    machine: Machine,
    only: Mapping[str, Sequence[RunIdentity]] | None = None,
    log: Callable[[str], None] | None = None,
) -> list[Forecast]:
    """What the papers cost, each by itself.

    Args:
        config: the configuration.
        papers: the papers.
        machine: what their runs are trained on.
        only: the runs that are meant, by paper; of a paper that is not there none are. None: all of each paper.
        log: is told what takes long.

    Raises:
        DataError: clips of a data set that only the user has are to be counted, and their label tables are not there.
    """
    found = []
    for paper in papers:
        runs = planned_runs(config, paper) if only is None else only.get(paper.name, ())
        one = _Forecaster(config, paper, machine, runs, log)
        features = sum(_feature_bytes(paper, corpus, sum(counts.values())) for corpus, counts in one.counts.items())
        found.append(Forecast(paper.name, tuple(map(one, one.runs)), features))
    return found


def together(forecasts: Sequence[Forecast]) -> Forecast:
    """All papers as one."""
    runs = tuple(run for each in forecasts for run in each.runs)
    return Forecast("all", runs, sum(each.features_bytes for each in forecasts))


class _Forecaster:
    """Forecasts the runs of a paper; what runs of one kind share is found once."""

    def __init__(
        self,
        config: Config,
        paper: Paper,
        machine: Machine,
        runs: Sequence[RunIdentity],
        log: Callable[[str], None] | None,
    ) -> None:
        self.config, self.paper, self.machine, self.runs = config, paper, machine, runs
        used = {paper.settings.corpus_of(who.variant)[0] for who in runs}
        self.counts = {name: corpus_clips(config, paper, name) for name in corpora_of(config, paper) if name in used}
        kinds = sorted({(who.system, who.variant) for who in self.runs})
        found = {kind: measured_here(config, paper, *kind, machine.device.name) for kind in kinds}
        self.timed = {kind: row for kind, row in found.items() if row is not None and row.gflops is not None}
        new = {path for kind in kinds if not (path := cost_file(config, paper, *kind)).is_file()}
        if new and log is not None:
            networks = counted(len(new), "network")
            log(f"{paper.name}: counting the operations of {networks}, once; each takes half a second or so")
        self.costs = {kind: step_cost(config, paper, *kind) for kind in kinds}
        self.known: dict[tuple[str, str, int], Run] = {}
        self.state = PaperState(config, paper)

    def __call__(self, who: RunIdentity) -> Run:
        """The forecast of a run."""
        key = (who.system, who.variant, who.fold)
        if key not in self.known:
            self.known[key] = self._run(who)
        return replace(self.known[key], who=who, done=self.state.of_training(who).name == "done")

    def _run(self, who: RunIdentity) -> Run:
        run, cost = self.paper.run(who.system, who.variant), self.costs[who.system, who.variant]
        corpus = self.paper.settings.corpus_of(who.variant)[0]
        clips = run_clips(self.config, self.paper, who, self.counts[corpus])
        steps, epochs = run.training.epochs * batches_per_epoch(run.training, clips.training), run.training.epochs
        part, held_out = 1.0, clips.held_out  # of each batch; clips that the network scores in the end
        if self.config.scale == REHEARSAL:
            steps, epochs, held_out = min(steps, STEPS), 0, ASKED
            part = 1 / thinning(run.training, self.machine.is_gpu)
        picked = clips.selection * epochs if run.training.monitor != "none" else 0
        scored = (picked + held_out) / run.training.batch_size
        flops = steps * part * cost.flops + scored * cost.scoring_flops
        rate, measured = self._rate(who, run.network, corpus)
        classes = len(self.paper.settings.classes_of(corpus))
        frames = run.front_end.n_frames // cost.time_reduction if stores_frames(self.config, self.paper) else 0
        return Run(
            who=who,
            done=False,
            steps=steps,
            flops=flops,
            seconds=flops / rate / 1e9 + BESIDE_STEPS,
            measured=measured,
            memory_mib=self._memory(who, run, clips.resident, classes, part),
            files_bytes=clips.held_out * classes * (2 * frames + 4) + cost.state // 4,
        )

    def _memory(self, who: RunIdentity, run: RunSettings, clips: int, classes: int, part: float) -> int:
        cost = self.costs[who.system, who.variant]
        if self.machine.is_gpu:
            return reserved_mib(self.config, self.paper, who, cost, clips, self.machine.device.name)
        resident = resident_bytes(run, clips, classes, cost.time_reduction)
        return int((resident + part * cost.activations + cost.state) / MIB) + PROCESS_MIB

    def _rate(self, who: RunIdentity, network: str, corpus: str) -> tuple[float, bool]:
        """10^9 operations per second that the device makes of a run's steps, and whether that was measured there.

        Of a kind that was not calibrated it is that of the most similar one that was. On a GPU of which nothing is
        known it is the H200's, scaled by the best rates of both; on a processor that of the suite's record, as it is.
        """
        kind = (who.system, who.variant)

        def rate(rows: list[Measured]) -> float | None:
            timed = [row for row in rows if row.gflops is not None]
            like = nearest(timed, self.paper.name, who.system, network, corpus, self.costs[kind].flops / 1e9)
            return None if like is None else like.gflops

        here = rate([self.timed[kind]] if kind in self.timed else list(self.timed.values()))
        if here is not None:
            return here, True
        device = self.machine.device
        if not self.machine.is_gpu:
            return rate(shipped(devices.REFERENCE_CORE)) or devices.CORE_GFLOPS, False
        tf32 = self.config.tf32 and device.tf32 > device.fp32
        scale = device.tf32 / devices.REFERENCE.tf32 if tf32 else device.fp32 / devices.REFERENCE.fp32
        known = rate([row for row in shipped(devices.REFERENCE.name) if row.tf32 == tf32])
        if known is not None:
            return known * scale, False
        return devices.REACHED * 1000 * (device.tf32 if tf32 else device.fp32), False


def _feature_bytes(paper: Paper, corpus: str, clips: int) -> int:
    """Stored features of a corpus: float16, of every clip and each of its SNRs."""
    settings, front_end = paper.settings.corpora[corpus], paper.settings.front_end_of(corpus)
    copies = len(settings.snr_db) if isinstance(settings, Remix) else 1
    return clips * copies * 2 * front_end.n_frames * front_end.n_mels
