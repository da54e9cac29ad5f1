from pathlib import Path

import pytest

from sedrepro.base.errors import SettingsError
from sedrepro.base.typed import load
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.training.loop import Trainer
from sedrepro.training.methods import trainer_class
from sedrepro.training.settings import METHODS, Confidence, MeanTeacher, Retraining, RunSettings, Supervised, Training

PAPER = "c_ssed"
MEAN_TEACHER = {
    "kind": "mean_teacher",
    "composition": {"weak": 2, "unlabelled": 3, "strong": 4},
    "average": 0.999,
    "teacher_start": "student",
    "consistency": 2,
    "ramp_up": 0.5,
    "noise": {"kind": "amplitude", "deviation": 0.25, "rectified": False},
    "noise_on": "both",
    "shift_frames": 16,
    "label_pooling": "majority",
    "clip_loss": "weak",
    "kept": "student",
    "teacher_norm": "own",
}
TRAINING = {
    "method": MEAN_TEACHER,
    "batch_size": 9,
    "learning_rate": 0.001,
    "epochs": 3,
    "monitor": "none",
    "schedule": {"kind": "constant"},
    "balance": None,
    "stop_patience": None,
    "select_on": "validation",
    "validation_share": 0.2,
}
CONFIDENCE = MEAN_TEACHER | {
    "kind": "confidence",
    "penalty": 0.1,
    "penalty_on": "strong",
    "augmented": False,
    "drops_out": False,
}
RETRAINING = MEAN_TEACHER | {
    "kind": "retraining",
    "weights": "confidence",
    "alpha": 0.3,
    "threshold": None,
    "below": "dropped",
    "labels": "soft",
    "normalised": "jointly",
    "start": "anew",
}


def paper(overrides=None, name=PAPER, **given):
    values = {"scale": "full", "folds": [1], "seeds": [1], "data_root": Path(__file__).parent, "budget": "cpu"}
    return load_paper(name, make_config(values | given | {"set": {name: overrides or {}}}, "test"))


def training(**changes) -> Training:
    return load(Training, TRAINING | changes, "here")


def refused(call, *arguments, **named) -> str:
    with pytest.raises(SettingsError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def power(**changes) -> dict:
    """An override by which the system `power` has other keys."""
    return {"systems.power": {"label": "Power", "network": "crnn", "arguments": {"pooling": "power"}} | changes}


# --- methods


def test_every_method_has_a_trainer():
    assert all(issubclass(trainer_class(kind), Trainer) for kind in METHODS)
    assert all(model.model_fields["kind"].annotation.__args__ == (kind,) for kind, model in METHODS.items())


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ({"kind": "meen_teacher"}, "'method.kind' = 'meen_teacher' is unknown; did you mean 'mean_teacher'?"),
        ({}, "key 'method.kind' is missing"),
        ({"kind": "supervised", "average": 0.9}, "unknown key 'method.average'"),
        (MEAN_TEACHER | {"averages": 0.9}, "unknown key 'method.averages'; did you mean 'average'?"),
        (MEAN_TEACHER | {"average": 1}, "'method.average' = 1: Input should be less than 1"),
        (MEAN_TEACHER | {"ramp_up": 0}, "'method.ramp_up' = 0"),
        (MEAN_TEACHER | {"shift_frames": -1}, "'method.shift_frames' = -1"),
        (MEAN_TEACHER | {"noise": {"kind": "gauss"}}, "'method.noise.kind' = 'gauss' is unknown"),
        (MEAN_TEACHER | {"noise": {"kind": "snr"}}, "key 'method.noise.decibels' is missing"),
        (MEAN_TEACHER | {"composition": {"weak": 2, "strong": 4}}, "key 'method.composition.unlabelled' is missing"),
        (MEAN_TEACHER | {"composition": MEAN_TEACHER["composition"] | {"weak": 0}}, "'method.composition.weak' = 0"),
        ({k: v for k, v in MEAN_TEACHER.items() if k != "consistency"}, "key 'method.consistency' is missing"),
        (MEAN_TEACHER | {"penalty": 0.1}, "unknown key 'method.penalty'"),
        ({k: v for k, v in CONFIDENCE.items() if k != "penalty"}, "key 'method.penalty' is missing"),
        (CONFIDENCE | {"penalty": 0}, "'method.penalty' = 0"),
        (RETRAINING | {"alpha": 1.1}, "'method.alpha' = 1.1"),
        (RETRAINING | {"threshold": -0.1}, "'method.threshold' = -0.1"),
        (RETRAINING | {"weights": "equals"}, "'method.weights' = 'equals'"),
        ("supervised", "'method' = 'supervised'"),
    ],
)
def test_wrong_methods_are_refused_in_one_line(method, message):
    assert message in refused(training, method=method)


def test_batches_hold_as_many_clips_as_they_are_composed_of():
    assert training().method.composition.total == 9
    assert "batch_size = 8, but method.composition has 9 clips; make them equal" in refused(training, batch_size=8)
    assert training(method={"kind": "supervised"}, batch_size=8).batch_size == 8


@pytest.mark.parametrize("method", [MEAN_TEACHER, RETRAINING, CONFIDENCE], ids=lambda m: m["kind"])
def test_composed_batches_are_not_balanced(method):
    assert "balance is for clips that come in one order" in refused(training, method=method, balance=3)
    assert training(method={"kind": "supervised"}, balance=3).balance == 3


@pytest.mark.parametrize("monitor", ["macro_f1", "loss", "micro_ap"])
def test_no_monitor_sees_what_confidence_learns(monitor):
    method = CONFIDENCE
    message = refused(training, method=method, monitor=monitor)
    assert f"monitor = {monitor}: scores stay as they are in training.method confidence; use none" in message
    assert training(method=method, monitor="none").monitor == "none"


# --- runs that start from others


def run_of(method, based_on=None) -> RunSettings:
    run = paper().run("power").model_dump()
    return load(RunSettings, run | {"training": TRAINING | {"method": method}, "based_on": based_on}, "here")


@pytest.mark.parametrize("method", [RETRAINING, CONFIDENCE])
def test_methods_that_start_from_another_run_need_one(method):
    assert f"training.method {method['kind']} starts from another run; give based_on" in refused(run_of, method)
    assert run_of(method, "power").based_on == "power"


@pytest.mark.parametrize("method", [MEAN_TEACHER, {"kind": "supervised"}])
def test_other_methods_start_from_none(method):
    message = refused(run_of, method, "power")
    assert f"training.method {method['kind']} starts from no other run; drop based_on" in message


def test_a_system_of_such_a_method_is_based_on_another():
    message = refused(paper, {"systems.retrain.based_on": None})
    assert message == "c_ssed: systems.retrain: training.method retraining starts from another run; give based_on"


def test_an_unknown_base_names_the_nearest():
    message = refused(paper, {"systems.retrain.based_on": "powr"})
    assert "systems.retrain.based_on = 'powr' is not a system; did you mean 'power'?" in message


@pytest.mark.parametrize(
    ("overrides", "chain"),
    [
        (power(based_on="power"), "power -> power"),
        (power(based_on="mt_ssed_lambda_0.1"), "power -> mt_ssed_lambda_0.1 -> power"),
        ({"systems.mt_ssed_lambda_0.1.based_on": "retrain"}, "mt_ssed_lambda_0.1 -> retrain -> mt_ssed_lambda_0.1"),
    ],
)
def test_a_system_is_not_based_on_itself(overrides, chain):
    message = refused(paper, overrides)
    assert "leads back to itself: " in message
    assert chain in message


# --- what a system and a corpus change


def test_the_systems_of_c_ssed_have_their_methods():
    loaded = paper()
    kinds = {name: type(loaded.run(name).training.method) for name in loaded.settings.systems}
    assert kinds["power"] is MeanTeacher
    assert kinds["mt_ssed_lambda_0.1"] is Confidence
    assert kinds["c_ssed_0.01_1"] is Retraining
    assert set(kinds.values()) == {MeanTeacher, Confidence, Retraining}
    based = {name: system.based_on for name, system in loaded.settings.systems.items() if system.based_on}
    assert based.keys() == {name for name, kind in kinds.items() if kind is not MeanTeacher}
    assert based["c_ssed_0.01_1"] == "mt_ssed_lambda_0.01"


def test_what_a_method_does_not_name_is_as_in_the_papers():
    loaded = paper()
    plain, own = (loaded.run(name).training.method for name in ("power", "mt_ssed_lambda_0.03"))
    assert own.penalty == 0.03
    of_the_phase = {"kind", "penalty", "penalty_on", "augmented", "drops_out"}
    assert own.model_dump(exclude=of_the_phase) == plain.model_dump(exclude={"kind"})
    changed = paper({"training.method.average": 0.5, "training.method.composition.weak": 7, "training.batch_size": 25})
    method = changed.run("c_ssed_0.1_0.7").training.method
    assert (method.average, method.composition.weak, method.alpha) == (0.5, 7, 0.7)


def test_a_method_lies_over_that_of_the_corpus_and_this_over_the_papers():
    loaded = paper()
    plain = loaded.run("mt18_as_released", "dcase2019").training.method
    on_corpus = loaded.run("mt18_as_released", "dcase2019_mt18").training.method
    assert (plain.shift_frames, plain.noise_on) == (16, "both")
    assert (on_corpus.shift_frames, on_corpus.noise_on) == (0, "teacher")
    for method in (plain, on_corpus):
        assert (method.teacher_start, method.label_pooling, method.noise.rectified) == ("independent", "last", True)
    assert loaded.run("mt18", "dcase2019_mt18").training.method.label_pooling == "majority"
    changed = paper({"systems.mt18_as_released.training": {"method": {"shift_frames": 5}}})
    assert changed.run("mt18_as_released", "dcase2019_mt18").training.method.shift_frames == 5
    # The kind of a system is kept on a corpus that changes keys of the method.
    assert isinstance(loaded.run("c_ssed_0.1_1", "dcase2019_mt18").training.method, Retraining)


def test_another_kind_leaves_behind_what_it_does_not_know():
    changed = paper(power(training={"method": {"kind": "supervised"}}))
    assert changed.run("power").training.method == Supervised(kind="supervised")
    assert changed.run("linear") == paper().run("linear")


def test_another_kind_may_stand_over_supervised_training():
    own = {"label": "GAP", "network": "vgg", "arguments": {}, "training": {"method": MEAN_TEACHER, "batch_size": 9}}
    plain = paper(name="two_step_attention").settings.systems["vgg_gap"]
    own |= {"network": plain.network, "arguments": plain.arguments}
    changed = paper({"systems.vgg_gap": own}, "two_step_attention")
    assert changed.run("vgg_gap").training.method == load(MeanTeacher, MEAN_TEACHER, "here")
    assert changed.run("2ap_alpha_0").training.method.kind == "supervised"


@pytest.mark.parametrize(
    ("differing", "message"),
    [
        ({"method": {"kind": "retrainig"}}, "'method.kind' = 'retrainig' is unknown; did you mean 'retraining'?"),
        ({"method": {"shift_frame": 3}}, "unknown key 'method.shift_frame'; did you mean 'shift_frames'?"),
        ({"method": "mean_teacher"}, "'method' = 'mean_teacher'"),
        ({"method": None}, "'method' = None"),
        ({"method": {"composition": {"weak": 3}}}, "key 'method.composition.unlabelled' is missing"),
        ({"batch_size": 20}, "batch_size = 20, but method.composition has 24 clips"),
    ],
)
def test_a_wrong_method_of_a_system_or_a_corpus_is_named(differing, message):
    of_system = refused(paper, power(training=differing))
    assert of_system.startswith("c_ssed: systems.power.training: ")
    of_corpus = refused(paper, {"training_on": {"dcase2019": differing}})
    assert of_corpus.startswith("c_ssed: training_on.dcase2019: ")
    assert message in of_system
    assert message in of_corpus


def test_supervised_papers_are_unchanged():
    for name in ("two_step_attention", "ddc_fap", "hierarchical_pooling"):
        loaded = paper(name=name)
        assert loaded.settings.training.method == Supervised(kind="supervised")
        assert all(system.based_on is None for system in loaded.settings.systems.values())


# --- provenance


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("training.method.kind", "paper"),
        ("training.method.composition.weak", "cited code"),
        ("training.method.noise.rectified", "assumption"),
        ("training.method.shift_frames", "paper"),
        ("training.method.label_pooling", "assumption"),
        ("training_on.dcase2019_mt18.method.shift_frames", "cited code"),
        ("systems.mt_ssed_lambda_0.003.training.method.penalty", "assumption"),
        ("systems.mt_ssed_lambda_0.1.training.method.penalty", "paper"),
        ("systems.retrain.based_on", "paper"),
        ("systems.retrain_continued.training.method.start", "assumption"),
    ],
)
def test_values_of_methods_say_where_they_come_from(key, source):
    found = paper().provenance[key]
    assert found.source == source
    assert found.reason or source != "assumption"


def test_overridden_values_of_methods_are_marked():
    changed = paper({"training.method.average": 0.9})
    assert changed.provenance["training.method.average"].source == "configuration"
    assert changed.run("retrain").training.method.average == 0.9
