"""A training step asks a GPU for nothing that the host must wait for, so that steps can be queued behind it."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sedrepro.experiments.configuration import load_config
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import load_paper
from sedrepro.steps.calibrate import stepper
from sedrepro.training.sampling import sampled_trainer

#: One of each method.
KINDS = [
    ("two_step_attention", "2ap_alpha_0.1", "remix_0db"),
    ("ddc_fap", "ddc_fap", "remix_0db"),
    ("c_ssed", "power", "dcase2019"),
    ("c_ssed", "mt18_as_released", "dcase2019_mt18_as_released"),
    ("c_ssed", "mt_ssed_lambda_0.1", "dcase2019"),
    ("c_ssed", "c_ssed_0.1_0.3", "dcase2019"),
    ("joint_at_aed", "pts_tfd", "dcase2019"),
    ("joint_at_aed", "gl", "dcase2019"),
]
ASKS = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "unique")


class Asking(TorchDispatchMode):
    """Notes the operators whose results the host has to know: numbers, and what has as many rows as a mask is true."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        name = operator.overloadpacket.__name__
        masked = name in ("index", "index_put", "index_put_") and any(
            isinstance(each, torch.Tensor) and each.dtype == torch.bool for each in tree_leaves(args[1])
        )
        if masked or name.startswith(ASKS):
            self.found.append(name)
        return operator(*args, **(kwargs or {}))


@pytest.mark.parametrize(("name", "system", "variant"), KINDS)
def test_no_step_waits(name, system, variant, tmp_path):
    paper = load_paper(name, load_config("miniature", changes={"work_dir": str(tmp_path)}))
    run, classes = paper.run(system, variant), len(paper.settings.classes_of(paper.settings.corpus_of(variant)[0]))

    def build():
        return build_network(paper, system, classes, 0, variant)

    step = stepper(*sampled_trainer(run, build, classes, 3, torch.device("cpu")))
    step()  # makes the batches of an epoch, and the moments of the optimiser
    with Asking() as asking:
        step()
    assert asking.found == []


def test_what_waits_is_noticed():
    values = torch.arange(3.0)
    with Asking() as asking:
        values[values > 1].sum().item()
        values[values > 1] = 0
        values[torch.tensor([0])].sum()
    assert asking.found == ["index", "_local_scalar_dense", "index_put_"]
