from pathlib import Path

import pytest
import untrained as made

from sedrepro.base.errors import SettingsError
from sedrepro.cli import main
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.runs import RunIdentity
from sedrepro.reporting.status.system_view import print_system, system_rows

PAPER = "two_step_attention"
METHOD = {"kind": "confidence", "penalty": 0.1, "penalty_on": "strong", "drops_out": False}


@pytest.fixture
def config(tmp_path):
    return made.configured(tmp_path)


def sections(rows) -> set[str]:
    return {key.split(".")[0] for key, *_ in rows}


def test_a_system_has_its_own_settings_and_no_others(config):
    paper = load_paper(PAPER, config)
    keys = [key for key, *_ in system_rows(paper, "2ap_alpha_0", "remix_0db")]
    assert len(keys) == len(set(keys))
    assert {"front_end.n_mels", "corpora.remix.snr_db", "networks.two_step.channels", "training.epochs"} <= set(keys)
    assert {key for key in keys if key.startswith("systems.")} == {
        f"systems.2ap_alpha_0.{rest}" for rest in ("label", "network", "loss_weights.reconstruction")
    }
    assert not [key for key in keys if key.startswith(("networks.vgg_like", "corpora.remix_active", "detection"))]


def test_names_with_dots_are_told_apart(config):
    paper = load_paper(PAPER, config)
    keys = [key for key, *_ in system_rows(paper, "2ap_alpha_0.01", "remix_0db") if key.startswith("systems.")]
    assert all(key.startswith("systems.2ap_alpha_0.01.") for key in keys)
    assert keys


def test_a_variant_decides_on_corpus_detection_and_training(config):
    paper = load_paper("ddc_fap", config)
    remix, dcase = (
        dict.fromkeys(row[0] for row in system_rows(paper, "ddc_fap", v)) for v in ("remix_0db", "dcase2017")
    )
    assert "detection.hysteresis.high" in remix and "detection.hysteresis.high" not in dcase
    assert "detection.class_thresholds.choose_on" in dcase
    assert any(key.startswith("training_on.dcase2017") for key in dcase)
    assert not any(key.startswith("training_on.dcase2017") for key in remix)


def test_what_a_method_of_training_inherits_and_does_not_use_is_not_shown(config):
    paper = load_paper("c_ssed", config)
    shown = {key for key, *_ in system_rows(paper, "mt_ssed_lambda_0.1", "dcase2019")}
    used = {"training.method.label_pooling", "training.method.composition", "training.epochs"}
    assert used <= shown
    assert not {key for key in shown if key.startswith("training.method.ramp") or key.endswith(".average")}
    teacher = {key for key, *_ in system_rows(paper, "power", "dcase2019")}
    assert {"training.method.ramp_up", "training.method.average"} <= teacher


def test_every_row_says_where_its_value_comes_from(config):
    for key, value, source, _ in system_rows(load_paper("c_ssed", config), "power", "dcase2019"):
        assert value and source, key


def test_runs_are_shown_with_parameters_place_and_metrics(config, capsys):
    folder = made.write_run(config, RunIdentity(PAPER, "vgg_gap", "remix_10db", 1, 1))
    print_system(config, load_paper(PAPER, config), "vgg_gap")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "two_step_attention/vgg_gap on remix_0db, scale miniature, budget cpu"
    assert lines[-2:] == [
        f"remix_10db, fold 1, seed 1, 77 parameters: {folder}",
        "  held_out, 12 clips: micro_ap 0.750",
    ]
    (folder / "metrics.json").unlink()
    print_system(config, load_paper(PAPER, config), "vgg_gap")
    assert capsys.readouterr().out.splitlines()[-1].startswith("  no metrics: ")


def test_without_a_run_that_is_said(config, capsys):
    print_system(config, load_paper(PAPER, config), "vgg_gap", "remix_20db")
    assert capsys.readouterr().out.splitlines()[-1] == "no trained run"
    with pytest.raises(SettingsError, match="did you mean 'remix_20db'"):
        print_system(config, load_paper(PAPER, config), "vgg_gap", "remix_21db")


def test_the_verb_shows_several_systems_and_names_the_nearest(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(Path(__file__).parents[3])
    common = ["--set", f"results_dir={tmp_path}"]
    assert main(["show", f"{PAPER}/vgg_gap", "c_ssed/power", *common]) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if ", scale miniature, budget " in line]
    assert [head.split(" on ")[0] for head in heads] == [f"{PAPER}/vgg_gap", "c_ssed/power"]
    assert main(["show", f"{PAPER}/vgg_gab", *common]) == 1
    assert "did you mean 'vgg_gap'?" in capsys.readouterr().err


@pytest.mark.parametrize("augmented", [False, True])
def test_noise_is_a_setting_of_a_confidence_branch_that_is_trained_on_noisy_clips(tmp_path, augmented):
    system = "mt_ssed_lambda_0.1"
    given = {"scale": "full", "data_root": tmp_path, "folds": [1], "seeds": [1], "device": "cpu"}
    changes = {
        f"systems.{system}.training": {"epochs": 5, "monitor": "none", "method": METHOD | {"augmented": augmented}}
    }
    paper = load_paper("c_ssed", make_config(given | {"set": {"c_ssed": changes}}, "test"))
    shown = {key for key, *_ in system_rows(paper, system, "dcase2019")}
    assert ("training.method.noise_on" in shown) is augmented
    assert "training.method.composition.weak" not in shown and "training.method.composition.strong" in shown
