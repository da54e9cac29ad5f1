"""How much memory of a GPU a run needs: counted, and corrected by what a first run of its kind held there.

context + resident data + networks, gradients and optimiser + activations with the allocator's waste + work space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sedrepro.experiments.clip_counts import run_clips
from sedrepro.experiments.devices import REFERENCE
from sedrepro.experiments.measured import Measured, measured_here, nearest, shipped, write_measured
from sedrepro.experiments.step_costs import step_cost

if TYPE_CHECKING:
    import torch

    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper
    from sedrepro.experiments.runs import RunIdentity
    from sedrepro.training.counting import StepCost
    from sedrepro.training.settings import RunSettings

MIB = 2**20
#: A CUDA context with the kernels of torch and cuDNN (some 500 MiB on an H100).
CONTEXT_MIB = 600
#: The allocator rounds blocks up and cannot use every gap: what was held lay up to so much above what tensors took.
WASTE = 1.15
#: Least work space of convolutions where none of a like network was measured.
WORKSPACE_MIB = 512
#: On what a run of this kind held on this very device.
MEASURED_MARGIN = 1.05


def resident_bytes(run: RunSettings, clips: int, classes: int, time_reduction: int) -> int:
    """Data of a run on its device: float16 features, labels, strong labels and pseudo-labels where it has them."""
    frames, method = run.front_end.n_frames, run.training.method
    features = 2 * frames * run.front_end.n_mels + 4 * classes
    strong = frames * classes if method.strong_labels else 0
    pseudo = 2 * 4 * (frames // time_reduction) * classes if method.pseudo_labels else 0
    return clips * (features + strong + pseudo)


def needed_mib(config: Config, paper: Paper, who: RunIdentity, device: str) -> int:
    """MiB that a run needs on a device of this name."""
    cost = step_cost(config, paper, who.system, who.variant)
    return reserved_mib(config, paper, who, cost, run_clips(config, paper, who).resident, device)


def reserved_mib(config: Config, paper: Paper, who: RunIdentity, cost: StepCost, clips: int, device: str) -> int:
    """MiB that a run of a known cost on so many clips needs there; what the configuration says, where it does."""
    if config.gpu_memory_mib is not None:
        return config.gpu_memory_mib
    run, corpus = paper.run(who.system, who.variant), paper.settings.corpus_of(who.variant)[0]
    data = resident_bytes(run, clips, len(paper.settings.classes_of(corpus)), cost.time_reduction) // MIB
    here = measured_here(config, paper, who.system, who.variant, device)
    if here is not None:
        return round(CONTEXT_MIB + data + MEASURED_MARGIN * here.held_mib)
    rows = [row for row in shipped(REFERENCE.name) if row.tf32 == config.tf32]
    like = nearest(rows, paper.name, who.system, run.network, corpus, cost.flops / 1e9)
    alike = like is not None and (like.network, like.corpus) == (run.network, corpus)
    workspace = max(WORKSPACE_MIB, like.workspace_mib if like is not None and alike else 0)
    return round(CONTEXT_MIB + data + (cost.state + WASTE * cost.activations) / MIB + workspace)


def note_held(config: Config, paper: Paper, who: RunIdentity, device: torch.device, resident: int) -> None:
    """Keep what the process has held on a GPU beside `resident` bytes of data, if no run of its kind held more."""
    import torch

    name = torch.cuda.get_device_name(device)
    held = max(0, (torch.cuda.max_memory_reserved(device) - resident) // MIB)
    before = measured_here(config, paper, who.system, who.variant, name)
    if before is not None and before.held_mib >= held:
        return
    known = before or measured_of(config, paper, who.system, who.variant, name)
    write_measured(config, paper, who.system, who.variant, known.model_copy(update={"held_mib": held}))


def measured_of(config: Config, paper: Paper, system: str, variant: str, device: str) -> Measured:
    """A kind of run on a device, of which nothing is measured yet."""
    cost = step_cost(config, paper, system, variant)
    return Measured(
        device=device,
        paper=paper.name,
        system=system,
        network=paper.run(system, variant).network,
        corpus=paper.settings.corpus_of(variant)[0],
        tf32=config.tf32,
        mixed_precision=config.mixed_precision,
        gflop_per_step=cost.flops / 1e9,
        activations_mib=cost.activations // MIB,
        held_mib=cost.activations // MIB,
    )
