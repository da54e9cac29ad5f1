"""What is there of a paper: missing, stale or done, told by settings and times."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import untrained as made

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.runs import RunIdentity, figure_runs
from sedrepro.published.needs import table_runs
from sedrepro.reporting.status.state import PaperState, difference, print_states

PAPER = "two_step_attention"
WHO = RunIdentity(PAPER, "vgg_gap", "remix_0db", 1, 1)
ROOT = Path(__file__).parents[3]


def later(path: Path, seconds: float) -> None:
    """Move a file's time of change."""
    now = path.stat().st_mtime
    os.utime(path, (now + seconds, now + seconds))


def state_of(config, who=WHO):
    return PaperState(config, load_paper(PAPER, config)).of_run(who)


def items(config) -> dict:
    return {(item.kind, item.name): item for item in PaperState(config, load_paper(PAPER, config)).items()}


@pytest.fixture
def config(tmp_path):
    return made.configured(tmp_path)


@pytest.fixture
def folder(config):
    return made.write_run(config, WHO)


def test_a_run_is_missing_until_it_is_scored(config, folder):
    assert state_of(config).name == "done"
    (folder / "metrics.json").unlink()
    assert (state_of(config).name, state_of(config).why) == ("missing", "trained, not scored")
    (folder / "weights.safetensors").unlink()
    assert (state_of(config).name, state_of(config).why) == ("missing", "")


def test_a_run_that_only_a_figure_of_first_runs_shows_is_done_when_it_is_trained(config, folder):
    """By design nothing scores it, and the figure is not stale for it."""
    paper = load_paper(PAPER, config)
    figure = paper.settings.figures["figure2"].model_copy(update={"systems": [WHO.system], "variant": WHO.variant})
    shown = paper.settings.model_copy(update={"tables": {}, "figures": {"figure2": figure}})
    (folder / "metrics.json").unlink()
    picture = config.results_dir / config.scale / PAPER / "figures" / "figure2.svg"
    picture.parent.mkdir(parents=True)
    picture.write_text("drawn")
    later(picture, 5)
    found = {item.name: item for item in PaperState(config, replace(paper, settings=shown)).items()}
    assert (found["figure2"].state.name, found["figure2"].there) == ("done", 1)
    assert found[WHO.system].state.name == "done"
    assert state_of(config).why == "trained, not scored"  # tables show it


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("training__epochs", 7, "training.epochs changed"),
        ("networks__vgg_like__channels", [2, 3], "arguments.channels changed"),
        ("corpora__remix__mixtures_per_fold", 81, "corpora.remix.mixtures_per_fold changed"),
        ("front_end__n_mels", 17, "front_end.n_mels changed"),
    ],
)
def test_a_run_of_other_settings_is_stale(tmp_path, folder, key, value, why):
    state = state_of(made.configured(tmp_path, **{key: value}))
    assert (state.name, state.why) == ("stale", why)


def test_settings_of_others_do_not_matter(tmp_path, folder):
    for key, value in (("networks__two_step__channels", [3, 3]), ("corpora__remix_active__seed", 2)):
        assert state_of(made.configured(tmp_path, **{key: value})).name == "done"


def test_a_run_from_before_a_setting_existed_is_as_if_it_had_the_default(config, folder):
    described = json.loads((folder / "config.json").read_text())
    del described["settings"]["front_end"]["padding"]
    (folder / "config.json").write_text(json.dumps(described))
    later(folder / "metrics.json", 1)
    assert state_of(config).name == "done"
    described["settings"]["front_end"]["n_mells"] = 3
    (folder / "config.json").write_text(json.dumps(described))
    assert "unknown key 'front_end.n_mells'; did you mean 'n_mels'?" in state_of(config).why


def test_precision_features_and_scores_count_too(config, folder):
    store = made.store_file(config, WHO)
    store.parent.mkdir(parents=True)
    store.write_text('{"fingerprint": "%s"}' % ("a" * 64))
    assert state_of(config).name == "done"
    store.write_text('{"fingerprint": "%s"}' % ("b" * 64))
    assert state_of(config).why == "the features were made from other data"
    assert state_of(config.model_copy(update={"tf32": True})).why == "mixed_precision or tf32 changed"
    later(folder / "scores.npz", 100)
    assert state_of(config).why == "trained again, not scored"


def test_a_run_is_as_old_as_what_it_is_based_on(tmp_path):
    paper = "c_ssed"
    config = made.configured(tmp_path)
    loaded = load_paper(paper, config)
    system = next(name for name, one in loaded.settings.systems.items() if one.based_on)
    who = RunIdentity(paper, system, "dcase2019", 0, 1)
    base = RunIdentity(paper, loaded.settings.systems[system].based_on, "dcase2019", 0, 1)
    folders = [made.write_run(config, one) for one in (base, who)]
    assert PaperState(config, loaded).of_run(who).name == "done"
    later(folders[0] / "weights.safetensors", 100)
    state = PaperState(config, loaded).of_run(who)
    assert (state.name, state.why) == ("stale", "weights.safetensors of the run that it is based on is newer")


def test_tables_and_figures_are_as_good_as_their_runs(config):
    paper = load_paper(PAPER, config)
    found = items(config)
    assert {kind for kind, _ in found} == {"system", "table", "figure"}
    assert {name for kind, name in found if kind == "system"} == set(paper.settings.systems)
    assert {item.state.name for item in found.values()} == {"missing"}

    for who in dict.fromkeys([*table_runs(config, paper, "table3"), *figure_runs(config, paper, "figure2")]):
        made.write_run(config, who)
    results = config.results_dir / config.scale / PAPER
    for path in (results / "tables" / "table3.csv", results / "tables" / "table2.csv", results / "figures/figure2.svg"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        later(path, 10)
    found = items(config)
    table3 = found["table", "table3"]
    assert (table3.state.name, table3.there, table3.runs) == ("done", 3, 3)
    assert found["figure", "figure2"].state.name == "done"
    assert found["table", "table1"].state.name == "missing"
    assert found["table", "table2"].state.name == "stale"
    assert found["table", "table2"].state.why.endswith("fold 1, seed 1, is missing")
    assert found["system", "vgg_gwrp"].state.name == "missing"
    assert found["system", "vgg_gmp"].cost.runs == 0

    who = table_runs(config, paper, "table3")[0]
    later(who.metrics_file(config), 100)
    state = items(config)["table", "table3"].state
    assert (state.name, state.why) == ("stale", f"{who.system} on {who.variant}, fold 1, seed 1, is newer")


def test_costs_are_those_of_all_runs_of_a_system(config, folder):
    made.write_run(config, RunIdentity(PAPER, "vgg_gap", "remix_10db", 1, 1))
    cost = items(config)["system", "vgg_gap"].cost
    assert (cost.runs, cost.seconds, cost.peak_memory_mib) == (2, 122, 300)


def test_the_list_is_aligned_and_names_what_is_there(config, folder, capsys):
    print_states(config, PAPER)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith(f"{PAPER}: Improving weakly supervised")
    assert head.endswith("scale miniature; 1 run, 1 min 1 s")
    (row,) = [line for line in lines if line.split()[:2] == ["system", "vgg_gap"]]
    assert row.split()[2:5] == ["missing", "1/3", "runs"]
    assert "1 min 1 s  300 MiB" in row
    assert len({line.index(" runs") for line in lines if " runs" in line}) <= 2
    with pytest.raises(SettingsError, match="did you mean 'two_step_attention'"):
        print_states(config, "two_step_atention")


def test_the_list_needs_no_torch(tmp_path):
    program = (
        "import sys\nfrom sedrepro.cli import main\n"
        f"main(['list', '--paper', '{PAPER}', '--set', 'results_dir={tmp_path}'])\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ({"a": 1}, {"a": 1}, ""),
        ({"a": {"b.c": [1, 2]}}, {"a": {"b.c": [1, 3]}}, "a.b.c"),
        ({"a": 1}, {"a": 1, "b": 2}, "b"),
        ({"a": {"b": 1}}, {"a": {}}, "a.b"),
        ({"a": {"b": 1}}, {"a": None}, "a"),
        (1, 2, "settings"),
    ],
)
def test_the_first_differing_key_is_named(one, other, key):
    assert difference(one, other) == key
    assert bool(difference(other, one)) == bool(key)
