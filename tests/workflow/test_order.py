"""Order of jobs, and what is not started: seed 1 of everything first, no years on a processor."""

from types import SimpleNamespace

import pytest

from sedrepro.base import gpus
from sedrepro.base.errors import SettingsError
from sedrepro.base.gpus import Gpu
from sedrepro.experiments.configuration import make_config
from sedrepro.workflow import PREPARING, Plan


def plan_of(tmp_path, scale="full", **changes):
    given = {"scale": scale, "folds": [1], "seeds": [1, 2, 3], "work_dir": str(tmp_path), "papers": ["ddc_fap"]}
    return Plan(make_config(given | {"budget": "gpu"} | changes, "test"))


def job(seed, system="vgg_fap", fold=1):
    return SimpleNamespace(paper="ddc_fap", system=system, variant="remix_0db", fold=fold, seed=str(seed))


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(gpus, "has_cuda", lambda: False)


def test_an_earlier_seed_comes_first_and_preparation_before_all(tmp_path, no_gpu):
    plan = plan_of(tmp_path, seeds=[7, 1, 2])
    order = [plan.run_priority(job(seed)) for seed in (7, 1, 2)]
    assert PREPARING > order[0] > order[1] > order[2] > 0
    assert plan.run_priority(job(99)) == 0


def test_full_is_refused_on_a_processor_with_what_it_would_take(tmp_path, no_gpu):
    with pytest.raises(SettingsError, match=r"EFLOP.*on_cpu=true") as caught:
        plan_of(tmp_path).require_a_gpu()
    assert "\n" not in str(caught.value)
    plan_of(tmp_path, on_cpu=True).require_a_gpu()
    plan_of(tmp_path, "miniature").require_a_gpu()


def test_snakemake_counts_the_memory_of_gpus(tmp_path, monkeypatch):
    seen = [Gpu(0, "GPU-a", "T4", 15000, 15000), Gpu(1, "GPU-b", "A100", 40000, 40000)]
    monkeypatch.setattr(gpus, "has_cuda", lambda: True)
    monkeypatch.setattr(gpus, "visible_gpus", lambda: seen)
    plan = plan_of(tmp_path)
    assert plan.gpu_mib_here == 14250 + 38000
    assert 3000 < plan.gpu_mib(job(1)) < 9000
    plan.require_a_gpu()
    assert plan_of(tmp_path, gpu_memory_mib=100).gpu_mib(job(1)) == 100
    assert plan_of(tmp_path, device="cpu").gpu_mib(job(1)) == 0
