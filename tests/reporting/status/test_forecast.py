"""The forecast: which runs, at which rate, and what does not fit."""

import pytest
import untrained as made

from sedrepro.base import gpus
from sedrepro.base.errors import SettingsError
from sedrepro.base.gpus import Gpu
from sedrepro.experiments import step_costs
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.devices import CORE_GFLOPS, KNOWN, REFERENCE_CORE, Device, device_of, known_device
from sedrepro.experiments.gpu_memory import measured_of
from sedrepro.experiments.measured import shipped, write_measured
from sedrepro.experiments.papers import load_paper
from sedrepro.reporting.status.forecast import BESIDE_STEPS, Forecast, Machine, forecast, together
from sedrepro.reporting.status.forecast_text import at_once, machine_of, one_line, print_forecast
from sedrepro.reporting.targets import planned_runs
from sedrepro.training.counting import StepCost

PAPER = "hierarchical_pooling"
A100 = Machine(KNOWN["a100"], 2, True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


def config_of(scale, folder, **changes):
    given = {"scale": scale, "folds": [1], "seeds": [1, 2], "work_dir": str(folder), "papers": [PAPER]}
    return make_config(given | {"budget": "gpu", "results_dir": str(folder / "results")} | changes, "test")


def of_paper(config, machine=A100, name=PAPER) -> Forecast:
    return forecast(config, [load_paper(name, config)], machine)[0]


@pytest.fixture
def alike(monkeypatch):
    """A step of every system costs the same: counting all of them takes longer than the rest."""
    monkeypatch.setattr(step_costs, "_count", lambda *asked: StepCost(10**12, 10**11, 10**9, 10**8, 1))


@pytest.fixture(scope="module")
def full(folder) -> Forecast:
    return of_paper(config_of("full", folder))


def test_time_follows_operations_and_rate(full):
    run = full.runs[0]
    # 46055 clips in batches of 128, 3.9 TFLOP each, at 28.4 of an H200's 67 TFLOP/s.
    assert run.steps % 360 == 0
    assert run.flops == pytest.approx(run.steps * 3.945e12, rel=0.1)
    assert run.seconds == pytest.approx(run.flops / (28.4e12 * 19.5 / 67), rel=0.05)
    assert not run.measured


def test_a_faster_device_takes_less(folder, full):
    other = of_paper(config_of("full", folder), Machine(KNOWN["h100"], 1, True))
    assert other.hours == pytest.approx(full.hours * 19.5 / 67, rel=0.05)
    assert other.flops == full.flops


def test_tf32_counts_only_where_a_device_has_it(folder):
    config = config_of("full", folder, tf32=True)
    with_it, without = (of_paper(config, Machine(KNOWN[word], 1, True)) for word in ("a100", "t4"))
    plain = of_paper(config_of("full", folder), Machine(KNOWN["t4"], 1, True))
    assert without.hours == pytest.approx(plain.hours)
    assert with_it.hours < without.hours / 2.4


def test_the_first_seed_is_a_part_of_all(full):
    first = full.of_seed([1])
    assert {run.who.seed for run in first.runs} == {1}
    assert 0 < first.hours < full.hours
    assert together([full, first]).hours == pytest.approx(full.hours + first.hours)


def test_runs_that_are_there_cost_nothing_more_unless_they_would_be_trained_again(tmp_path, alike):
    config = config_of("miniature", tmp_path)
    before = of_paper(config)
    there = before.runs[0].who
    made.write_run(config, there)
    after = of_paper(config)
    assert [run.who for run in after.runs if run.done] == [there]
    assert after.hours == pytest.approx(before.hours - before.runs[0].seconds / 3600)
    other = config_of("miniature", tmp_path, set={PAPER: {"networks.gated_crnn.dropout": 0.5}})
    assert not any(run.done for run in of_paper(other).runs)


def test_on_a_processor_that_was_not_calibrated_each_network_has_the_rate_of_the_record(tmp_path, monkeypatch, alike):
    core, config = Machine(Device("another processor", 0, 0, 8000), 2, False), config_of("miniature", tmp_path)
    found = of_paper(config, core)
    rates = {row.gflops for row in shipped(REFERENCE_CORE) if row.paper == PAPER}
    assert not any(run.measured for run in found.runs)
    for run in found.runs:
        assert any((run.seconds - BESIDE_STEPS) * rate == pytest.approx(run.flops / 1e9) for rate in rates)
    monkeypatch.setattr("sedrepro.reporting.status.forecast.shipped", lambda device: [])  # as of a sixth paper
    for run in of_paper(config, core).runs:
        assert (run.seconds - BESIDE_STEPS) * CORE_GFLOPS == pytest.approx(run.flops / 1e9)


def test_a_calibrated_rate_is_taken_also_for_like_networks(tmp_path, alike):
    config = config_of("miniature", tmp_path)
    paper, machine = load_paper(PAPER, config), Machine(device_of(Gpu(0, "GPU-a", "NVIDIA L4", 24000, 24000)), 1, True)
    known = measured_of(config, paper, "linear_single", "dcase2017", "NVIDIA L4")
    slow = known.model_copy(update={"ms_per_step": known.gflop_per_step * 1000})  # 1 GFLOP/s
    write_measured(config, paper, "linear_single", "dcase2017", slow)
    found = of_paper(config, machine)
    assert all(run.measured for run in found.runs)
    for run in found.runs:
        assert run.seconds == pytest.approx(run.flops / 1e9 + BESIDE_STEPS)


def test_how_many_runs_share_a_gpu(full):
    assert at_once(full, A100) == 2  # some 33 GiB each
    assert at_once(full, Machine(KNOWN["t4"], 1, True)) == 0


@pytest.mark.parametrize(("gpu", "fits"), [("a100", True), ("a100-40", True), ("t4", False)])
def test_one_screen_says_what_does_not_fit(folder, capsys, gpu, fits):
    print_forecast(config_of("full", folder), gpu=gpu, count=4)
    text = capsys.readouterr().out
    assert ("DOES NOT FIT" in text) is not fits
    assert "4 x NVIDIA" in text
    assert len(text.splitlines()) < 24
    assert f"{KNOWN[gpu].name}" in text


def test_one_screen_names_downloads_terms_and_what_only_youtube_has(tmp_path, capsys, alike):
    print_forecast(config_of("full", tmp_path, papers=["joint_at_aed"]), gpu="h100")
    text = capsys.readouterr().out
    assert "download: 2.6" in text
    assert "research use" in " ".join(text.split())
    told = " ".join(text.split())
    assert "at present, 28 runs of joint_at_aed would be left out: dcase2019_task4: no clip of weak" in told
    assert "only on YouTube" in told


def test_one_line_for_the_processor(folder, monkeypatch):
    monkeypatch.setattr(gpus, "has_cuda", lambda: False)
    line = one_line(config_of("full", folder))
    assert line.startswith("full: ")
    assert "\n" not in line


def test_the_gpus_at_hand_are_counted_by_kind(folder, monkeypatch):
    seen = [Gpu(number, f"GPU-{number}", name, 80000, 80000) for number, name in enumerate(["T4", "H100", "H100"])]
    monkeypatch.setattr(gpus, "has_cuda", lambda: True)
    monkeypatch.setattr(gpus, "visible_gpus", lambda: seen)
    machine = machine_of(config_of("full", folder))
    assert (machine.device.name, machine.count, machine.is_gpu) == ("H100", 2, True)
    assert not machine_of(config_of("full", folder, device="cpu")).is_gpu


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("NVIDIA H200", "h200"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA A100-SXM4-40GB", "a100"),
        ("Tesla V100-SXM2-16GB", "v100"),
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
        ("Tesla T4", "t4"),
    ],
)
def test_gpus_are_known_by_their_drivers_names(name, word):
    found = device_of(Gpu(0, "GPU-a", name, 12345, 1))
    assert (found.name, found.fp32, found.memory_mib) == (name, KNOWN[word].fp32, 12345)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'a100'"):
        known_device("a10")


def test_of_a_target_only_its_runs_are_forecast_and_counted(tmp_path, capsys):
    config = config_of("miniature", tmp_path, papers=[PAPER, "c_ssed"])
    run = planned_runs(config, load_paper(PAPER, config))[0]
    print_forecast(config, targets=[str(run.folder(config) / "metrics.json")])
    first = capsys.readouterr()
    assert f"{PAPER}: counting the operations of 1 network, once" in first.err
    assert [line.split()[:2] for line in first.out.splitlines() if line.startswith((PAPER, "c_ssed"))] == [[PAPER, "1"]]
    print_forecast(config, targets=[str(run.folder(config) / "metrics.json")])
    again = capsys.readouterr()
    assert again.err == ""
    assert again.out == first.out
