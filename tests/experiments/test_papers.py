from pathlib import Path

import pytest
import torch
import yaml

from sedrepro.base.errors import SettingsError
from sedrepro.data_sets import data_set
from sedrepro.experiments import networks, provenance
from sedrepro.experiments import papers as module
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.networks import require_networks, shape_networks
from sedrepro.experiments.papers import PAPERS_FOLDER, chosen_papers, load_paper, paper_names
from sedrepro.experiments.provenance import AUTHORS_CODE, SOURCES
from sedrepro.experiments.runs import figure_runs, runs_of
from sedrepro.experiments.scales import SCALES
from sedrepro.miniature.sounds import EVENTS
from sedrepro.published.cells import read_cells

ROOT = Path(__file__).parents[2]
PAPER = "two_step_attention"
GIVEN = {"folds": [1], "seeds": [1], "data_root": ROOT, "budget": "cpu"}


def configured(scale="full", **changes):
    return make_config(GIVEN | {"scale": scale} | changes, "test")


def paper(scale="full", overrides=None, **changes):
    return load_paper(PAPER, configured(scale, set={PAPER: overrides or {}}, **changes))


def refused(call, *arguments, **named) -> str:
    with pytest.raises(SettingsError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Load a paper `mine` whose settings are those of the two-step paper after an edit of the raw YAML."""

    def load(edit, scale="miniature"):
        values = yaml.safe_load((PAPERS_FOLDER / PAPER / "settings.yaml").read_text(encoding="utf-8"))
        edit(values)
        folder = tmp_path / "papers" / "mine"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "settings.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        monkeypatch.setattr(module, "PAPERS_FOLDER", folder.parent)
        provenance._read.cache_clear()
        return load_paper("mine", configured(scale))

    yield load
    provenance._read.cache_clear()


# --- every paper


@pytest.mark.parametrize("budget", ["cpu", "gpu"])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", paper_names())
def test_every_paper_loads_at_every_scale_and_budget(name, scale, budget):
    loaded = load_paper(name, configured(scale, budget=budget))
    assert loaded.budget == budget
    for system in loaded.settings.systems:
        run = loaded.run(system)
        assert run.front_end == loaded.settings.front_end
    for name in loaded.settings.figures:
        assert figure_runs(configured(scale, budget=budget), loaded, name)


@pytest.mark.parametrize("name", paper_names())
def test_every_value_has_a_provenance_and_every_assumption_a_reason(name):
    loaded = load_paper(name, configured())
    assert {origin.source for origin in loaded.provenance.values()} <= set(SOURCES)
    assert all(o.reason for o in loaded.provenance.values() if o.source == "assumption")
    for section in ("front_end", "training"):
        for key in getattr(loaded.settings, section).model_dump(exclude_unset=True):
            own = f"{section}.{key}"
            assert any(name == own or name.startswith(f"{own}.") for name in loaded.provenance), key


@pytest.mark.parametrize("name", paper_names())
def test_tables_of_every_paper_name_systems_variants_and_cells_that_exist(name):
    loaded = load_paper(name, configured())
    for table, layout in loaded.settings.tables.items():
        for cell in read_cells(loaded.folder / "published" / f"{table}.csv") if layout.kind == "numbers" else ():
            if cell.system:
                assert runs_of(configured(), loaded, cell.system, cell.variant)


# --- what the two-step attention paper prints


def test_published_front_end():
    front_end = paper().settings.front_end
    assert (front_end.window_length, front_end.hop_length, front_end.n_mels) == (2048, 1024, 64)
    assert front_end.clip_seconds == 10
    # Released code: 32 kHz, symmetric Hamming window, magnitudes, 50 Hz to 16 kHz, ln(x + 1e-8), no centring.
    assert (front_end.sample_rate, front_end.fmin, front_end.fmax) == (32000, 50, 16000)
    assert (front_end.window, front_end.window_symmetric, front_end.spectrum) == ("hamming", True, "magnitude")
    assert front_end.log_offset == 1e-8
    assert front_end.n_frames == 311


def test_published_training():
    training = paper().settings.training
    assert (training.batch_size, training.learning_rate) == (24, 1e-3)
    assert (training.epochs, training.schedule.factor, training.schedule.patience) == (80, 0.1, 3)
    assert training.select_on == "held_out"
    assert paper().run("2ap_alpha_0.001", "remix_clean_0db").training.select_on == "validation"


def test_published_corpus():
    corpora = paper().settings.corpora
    remix = corpora["remix"]
    assert (remix.events, remix.scenes) == ("fsdkaggle2018", "tau_urban_2019")
    assert sorted(remix.snr_db) == [0, 10, 20]
    assert 4 * remix.mixtures_per_fold == 8000
    assert (remix.draw, remix.level, remix.seed, remix.quantise) == ("tiled", "whole_file", 1234, "pcm16")
    assert corpora["remix_clean"].draw == "reshuffled"
    assert corpora["remix_clean"].snr_db == remix.snr_db
    assert corpora["remix_active"].level == "active"
    for other in ("remix_clean", "remix_active"):
        assert corpora[other].mixtures_per_fold == remix.mixtures_per_fold


def test_the_41_classes_stand_in_alphabetical_order():
    classes = paper().settings.classes
    assert len(classes) == len(set(classes)) == 41
    assert list(classes) == sorted(classes, key=str.lower)
    assert {"Bus", "Cowbell", "Gong", "Meow"} <= set(classes)  # Table 3
    assert set(EVENTS) <= set(classes)


def test_published_systems():
    loaded = paper()
    alphas = {s: loaded.run(s).loss_weights for s in loaded.settings.systems if s.startswith("2ap_alpha_")}
    assert alphas == {f"2ap_alpha_{text}": {"reconstruction": float(text)} for text in ("0", "0.001", "0.01", "0.1")}
    assert loaded.run("vgg_gwrp").arguments == {"channels": [32, 64, 128, 128], "pooling": "gwrp", "r": 0.9998}
    assert loaded.run("vgg_gap").arguments["pooling"] == "gap"
    assert loaded.run("vgg_gmp").arguments["pooling"] == "gmp"
    atrous = {"channels": [64, 128, 256], "attention_bounds": [0.1, 0.9], "classification": "log_softmax"}
    assert loaded.run("atrous_ap").arguments == atrous
    released = {"inner_sigmoid": False, "classification_sigmoid": True, "decode_from": "encoder"}
    printed = {"inner_sigmoid": True, "classification_sigmoid": False, "decode_from": "class_maps"}
    assert loaded.run("2ap_alpha_0.001").arguments == {"channels": [32, 64, 128, 256]} | released
    assert loaded.run("2ap_by_equations").arguments == {"channels": [32, 64, 128, 256]} | printed
    assert loaded.run("2ap_by_equations").loss_weights == {"reconstruction": 0.001}


def test_values_that_the_paper_prints_are_marked_so():
    provenance = paper().provenance
    printed = ("training.batch_size", "training.learning_rate", "front_end.window_length", "front_end.hop_length")
    assert {provenance[key].source for key in (*printed, "front_end.n_mels", "corpora.remix.snr_db")} == {"paper"}
    assert provenance["training.epochs"].source == AUTHORS_CODE
    assert provenance["training.select_on"].source == AUTHORS_CODE
    assert provenance["corpora.remix.draw"].source == "cited code"
    assert provenance["systems.vgg_gwrp.arguments.r"].source == AUTHORS_CODE
    assert provenance["systems.vgg_gwrp.arguments.pooling"].source == "paper"


# --- runs


def test_a_system_changes_training_for_its_own_runs_only():
    loaded = load_paper("hierarchical_pooling", configured())
    same, changed = (loaded.run(f"linear_hierarchical{end}").training for end in ("", "_selected_on_testing"))
    assert (same.select_on, changed.select_on) == ("validation", "testing")
    assert changed.model_copy(update={"select_on": "validation"}) == same


def test_unknown_systems_and_variants_name_the_nearest():
    loaded = paper()
    assert "did you mean 'vgg_gwrp'?" in refused(loaded.run, "vgg_gwpr")
    assert "did you mean 'remix_20db'?" in refused(loaded.settings.corpus_of, "remix_20")


@pytest.mark.parametrize(("folds", "wrong"), [([0], 0), ([1, 5], 5), ([-1], -1)])
def test_a_fold_that_the_events_do_not_have_is_refused(folds, wrong):
    assert f"folds: {wrong}: {PAPER}'s corpus 'remix' has the folds 1 to 4" in refused(paper, folds=folds)


def test_folds_are_of_a_remix_alone():
    config = configured(folds=[9])
    assert {who.fold for who in runs_of(config, load_paper("c_ssed", config), "power", "dcase2019")} == {0}


def test_an_unknown_data_set_to_do_without_names_the_nearest():
    assert "did you mean 'desed_2020'?" in refused(paper, without=["desed"])


def test_variants_lead_to_their_corpus():
    corpus_of = paper().settings.corpus_of
    assert corpus_of("remix_20db") == ("remix", 20)
    assert corpus_of("remix_clean_0db") == ("remix_clean", 0)


def test_a_wrong_training_key_of_a_system_names_the_nearest(edited):
    message = refused(edited, lambda v: v["systems"]["vgg_gap"].update(training={"epoch": 3}))
    assert "systems.vgg_gap.training" in message
    assert "did you mean 'epochs'?" in message


def test_a_system_of_an_unknown_network_names_the_nearest(edited):
    message = refused(edited, lambda v: v["systems"]["vgg_gap"].update(network="vgg_lik"))
    assert "network 'vgg_lik' is unknown; did you mean 'vgg_like'?" in message


# --- scales


def test_a_scale_changes_value_and_provenance():
    full, miniature = paper("full"), paper("miniature")
    assert (full.settings.front_end.sample_rate, miniature.settings.front_end.sample_rate) == (32000, 16000)
    assert miniature.provenance["front_end.sample_rate"].source == "scale"
    assert miniature.provenance["front_end.sample_rate"].reason.startswith("miniature: ")
    assert miniature.provenance["front_end.window"] == full.provenance["front_end.window"]
    assert miniature.run("vgg_gap").arguments["channels"] == [8, 8, 16, 16]


def test_full_scale_changes_nothing():
    assert not {key for key, origin in paper("full").provenance.items() if origin.source == "scale"}


def test_the_cpu_budget_of_a_scale_comes_over_the_scale():
    gpu, cpu = paper("recordings", budget="gpu"), paper("recordings", budget="cpu")
    assert gpu.run("2ap_alpha_0").arguments["channels"] == [32, 64, 128, 256]
    assert gpu.settings.front_end == paper("full").settings.front_end
    assert cpu.settings.front_end.hop_length > gpu.settings.front_end.hop_length
    assert cpu.provenance["front_end.hop_length"].reason.startswith("recordings-cpu: ")
    assert cpu.settings.training.epochs < gpu.settings.training.epochs


def test_a_scale_that_changes_an_unknown_key_is_refused(edited):
    def edit(values):
        values["scales"]["miniature"]["values"]["training.epoch"] = 3

    message = refused(edited, edit)
    assert "scales.miniature" in message
    assert "unknown key 'training.epoch'" in message


def test_sections_for_unknown_scales_are_refused(edited):
    def edit(values):
        values["scales"]["minature"] = values["scales"].pop("miniature")

    assert "did you mean 'miniature'?" in refused(edited, edit)


# --- overrides


def test_overrides_reach_values_and_provenance_and_leave_the_published_file_alone():
    loaded = paper(overrides={"training.epochs": 2, "networks.two_step.channels": [4, 4]})
    assert loaded.run("2ap_alpha_0").training.epochs == 2
    assert loaded.run("2ap_alpha_0").arguments["channels"] == [4, 4]
    assert loaded.provenance["training.epochs"].source == "configuration"
    assert paper().settings.training.epochs == 80


def test_overrides_come_over_the_scale():
    assert paper("miniature", {"front_end.n_mels": 16}).settings.front_end.n_mels == 16


def test_names_with_dots_can_be_overridden():
    loaded = paper(
        overrides={"systems.2ap_alpha_0.001.loss_weights.reconstruction": 0.5, "systems.2ap_alpha_0.label": "x"}
    )
    assert loaded.run("2ap_alpha_0.001").loss_weights == {"reconstruction": 0.5}
    assert loaded.run("2ap_alpha_0").loss_weights == {"reconstruction": 0}
    assert loaded.settings.systems["2ap_alpha_0"].label == "x"


def test_an_overridden_mapping_forgets_where_its_old_values_came_from():
    loaded = paper(overrides={"systems.vgg_gwrp.arguments": {"pooling": "gmp"}})
    assert loaded.run("vgg_gwrp").arguments == {"channels": [32, 64, 128, 128], "pooling": "gmp"}
    assert loaded.provenance["systems.vgg_gwrp.arguments"].source == "configuration"
    assert not [key for key in loaded.provenance if key.startswith("systems.vgg_gwrp.arguments.")]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("training.epoch", "did you mean 'two_step_attention.training.epochs'?"),
        ("trainin.epochs", "did you mean 'two_step_attention.training.epochs'?"),
        ("trainin.epoch", "did you mean 'two_step_attention.training.epochs'?"),
        ("training.epochs.first", "'two_step_attention.training.epochs' holds no keys"),
        ("systems.2ap_alpha_0.002.label", "unknown key"),
        ("systems.vgg_gapp.label", "did you mean 'two_step_attention.systems.vgg_gap.label'?"),
        ("", "unknown key 'two_step_attention.'"),
    ],
)
def test_unknown_override_keys_name_the_nearest(key, hint):
    message = refused(paper, overrides={key: 1})
    assert message.startswith("configuration: ")
    assert hint in message
    assert "set." not in message  # no command line takes it so


def test_the_nearest_key_can_be_set():
    """What a hint proposes works as it stands, also where names hold dots."""
    message = refused(paper, overrides={"system.2ap_alpha_0.01.labl": "x"})
    proposed = message.split("did you mean 'two_step_attention.")[1].removesuffix("'?")
    assert paper(overrides={proposed: "x"}).settings.systems["2ap_alpha_0.01"].label == "x"


def test_a_wrong_value_is_blamed_on_where_it_was_given():
    message = refused(paper, overrides={"training.epochs": "many"})
    assert message.startswith("configuration of two_step_attention: 'training.epochs' = 'many'")
    assert refused(paper, overrides={"training.schedule": {"kind": "never"}}).startswith("configuration of ")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("networks.two_step.channels", 4, "channels = 4: must be a list"),
        ("networks.two_step.channels", [4, 0], "channels.1 = 0: must be greater than or equal to 1"),
        ("networks.two_step", {"chanels": [4]}, "'chanels'; did you mean 'channels'?"),
        ("systems.vgg_gap.arguments", {"pooling": "gapp"}, "pooling 'gapp' is unknown; did you mean 'gap'?"),
        ("systems.vgg_gwrp.arguments.r", "abc", "r = 'abc': must be a valid number"),
        ("systems.vgg_gwrp.arguments.r", 2, "r = 2.0 must lie between 0 and 1"),
    ],
)
def test_a_network_that_cannot_be_built_is_refused_when_settings_are_read(key, value, problem):
    message = refused(paper, overrides={key: value})
    assert message.startswith(f"configuration: two_step_attention.{key} = {value!r}: ")
    assert problem in message


def test_a_system_with_values_of_its_own_may_stay_behind_when_its_network_is_changed():
    """As at a narrow width for a trial: `linear_hierarchical_narrow` has filters of its own."""
    one = {"networks.gated_crnn.filters": [2], "networks.gated_crnn.poolings": [[2, 4]]}
    changed = configured(set={"hierarchical_pooling": one | {"networks.gated_crnn.last_pooling": [1, 4]}})
    loaded = load_paper("hierarchical_pooling", changed)
    assert loaded.run("linear_single").arguments["filters"] == [2]
    with pytest.raises(SettingsError, match="system 'linear_hierarchical_narrow'"):
        require_networks(loaded, ["systems.linear_hierarchical_narrow.arguments"])


def test_networks_are_built_without_changing_random_numbers(monkeypatch):
    monkeypatch.setattr(networks, "_POSSIBLE", set())
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    require_networks(paper(), ())
    assert torch.equal(torch.rand(3), expected)


def test_a_possible_network_is_built_once(monkeypatch):
    monkeypatch.setattr(networks, "_POSSIBLE", set())
    built, build = [], networks.build_network
    monkeypatch.setattr(networks, "build_network", lambda *which: built.append(which) or build(*which))
    require_networks(paper(), ())
    once = len(built)
    require_networks(paper(), ())
    assert 0 < once == len(built)
    require_networks(paper(overrides={"networks.two_step.channels": [4, 4]}), ())
    assert len(built) > once


@pytest.mark.parametrize(
    ("key", "concerns"),
    [
        ("networks.two_step.channels", True),
        ("front_end.n_mels", True),
        ("systems.vgg_gap.arguments", True),
        ("corpora.remix", True),
        ("corpora.remix.front_end.n_mels", True),
        ("corpora.remix.mixtures_per_fold", False),
        ("training.epochs", False),
        ("systems.vgg_gap.seeds", False),
    ],
)
def test_networks_are_tried_where_a_setting_can_make_one_impossible(key, concerns):
    assert shape_networks([key]) is concerns


@pytest.mark.parametrize("scale", ["miniature", "full"])
@pytest.mark.parametrize("name", paper_names())
def test_the_networks_of_every_paper_can_be_built(name, scale):
    loaded = load_paper(name, make_config(GIVEN | {"scale": scale}, "test"))
    require_networks(loaded, [f"systems.{system}" for system in loaded.settings.systems])


def test_overrides_of_an_unknown_paper_name_the_nearest():
    config = configured(set={"two_step_atention": {"training.epochs": 1}})
    assert "did you mean 'two_step_attention'?" in refused(load_paper, PAPER, config)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"training.epochs": -3}, ("training.epochs", "-3", "greater than 0")),
        ({"training.epochs": 2.5}, ("training.epochs", "2.5")),
        ({"training.learning_rate": 0}, ("training.learning_rate", "greater than 0")),
        ({"training.schedule.factor": 1}, ("training.schedule.factor", "less than 1")),
        ({"training.validation_share": 1.5}, ("training.validation_share", "less than 1")),
        ({"training.select_on": "heldout"}, ("training.select_on", "held_out")),
        ({"front_end.fmax": 16001}, ("fmax = 16001", "half the sample rate, 16000")),
        ({"front_end.fmin": 16000}, ("fmax = 16000", "above fmin")),
        ({"front_end.clip_seconds": 0.01}, ("window_length = 2048", "longer than a clip of 320 samples")),
        ({"front_end.window": "hamning"}, ("front_end.window", "'hamning'")),
        ({"corpora.remix.mixtures_per_fold": 0}, ("corpora.remix.mixtures_per_fold", "greater than 0")),
        ({"corpora.remix.snr_db": []}, ("corpora.remix.snr_db", "at least 1")),
        ({"systems.2ap_alpha_0.loss_weights.reconstruction": -0.1}, ("loss_weights.reconstruction", "-0.1")),
        ({"classes": []}, ("classes", "at least 1")),
        ({"training": {"epochs": 3}}, ("training.method", "missing")),
    ],
)
def test_impossible_values_are_refused_in_one_short_line(overrides, words):
    message = refused(paper, overrides=overrides)
    for word in words:
        assert word in message
    assert len(message) < 300


# --- detection and evaluation, training by corpus: the other papers

DDC, HIERARCHICAL = "ddc_fap", "hierarchical_pooling"
SEARCH = {"kind": "search", "choose_on": "testing", "criterion": "f1", "thresholds": [0.5], "median_seconds": [0]}
SEARCH |= {"longest_gap_seconds": [0], "shortest_seconds": [0], "border": "inactive"}


def system(**changes):
    """Settings of a system of ddc_fap."""
    return {"label": "DDC-FAP", "network": "ddc", "arguments": {"pooling": "fap", "alpha_max": 10}} | changes


def other(name, **overrides):
    """Another paper at full scale; overrides have __ for a dot."""
    return load_paper(name, configured(set={name: {key.replace("__", "."): v for key, v in overrides.items()}}))


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        (DDC, {"detection": {}}),
        (HIERARCHICAL, {"detection": {}}),
        (HIERARCHICAL, {"evaluation__segment_based": None}),
        (DDC, {"evaluation__segment_based": None, "evaluation__event_based": None}),
    ],
)
def test_detection_comes_with_metrics_of_events(name, overrides):
    assert "belong together: give both or none" in refused(other, name, **overrides)


def test_metrics_of_events_come_with_detection(edited):
    segments = {"segment_seconds": 1, "averaging": "micro", "undetected_classes": "zero"}
    given = {"provenance": {"source": "paper"}, "segment_based": segments}
    assert "belong together: give both or none" in refused(edited, lambda v: v.update(evaluation=given))


@pytest.mark.parametrize("left", ["segment_based", "event_based"])
def test_one_kind_of_metrics_of_events_is_enough_for_fixed_detection(left):
    gone = {"segment_based": "event_based", "event_based": "segment_based"}[left]
    evaluation = other(DDC, **{f"evaluation__{gone}": None}).settings.evaluation
    assert getattr(evaluation, left) and not getattr(evaluation, gone)


def test_a_search_needs_segments_to_count():
    message = refused(
        other, DDC, detection={"found": SEARCH | {"corpora": ["dcase2017"]}}, evaluation__segment_based=None
    )
    assert "detection.found searches by segments: give evaluation.segment_based" in message


def test_an_unknown_corpus_of_a_detection_names_the_nearest():
    message = refused(other, DDC, detection__hysteresis__corpora=["remix", "dezed"])
    assert "detection.hysteresis.corpora: 'dezed' is unknown; did you mean 'desed'?" in message


@pytest.mark.parametrize("kind", ["search", "class_thresholds"])
def test_a_choice_is_made_on_a_held_out_split_of_every_corpus_it_is_for(kind):
    given = SEARCH | {"kind": kind}
    if kind == "class_thresholds":
        given = {"kind": kind, "choose_on": "testing", "segment_seconds": 1, "segment_pooling": "mean"}
    assert other(DDC, detection={"found": given | {"corpora": ["dcase2017"]}})
    for corpora, split in ((["dcase2017"], "validation"), (["dcase2017", "desed"], "testing"), ([], "testing")):
        message = refused(other, DDC, detection={"found": given | {"corpora": corpora, "choose_on": split}})
        assert f"detection.found.choose_on = '{split}' is not a held-out split of" in message


def test_detections_are_those_of_the_corpus():
    settings = other(DDC).settings
    assert {c: list(settings.detection_of(c)) for c in settings.corpora} == {
        "remix": ["hysteresis"],
        "remix_as_heard": ["hysteresis"],
        "desed": ["hysteresis"],
        "dcase2017": ["class_thresholds", "class_thresholds_mean"],
    }
    assert list(other(HIERARCHICAL).settings.detection_of("dcase2017")) == ["lowest_error_rate", "highest_f1"]


def test_a_kind_of_detection_that_does_not_exist_names_the_known():
    message = refused(other, DDC, detection__hysteresis__kind="hysterisis")
    assert "'detection.hysteresis.kind' = 'hysterisis' is unknown; did you mean 'hysteresis'?" in message


def test_frame_scores_are_needed_for_events_or_metrics_of_frames(edited):
    assert other(HIERARCHICAL).settings.needs_frames
    assert not paper().settings.needs_frames
    given = {"provenance": {"source": "paper"}, "frame_level": {"clip_threshold": 0.1, "threshold": 0.2}}
    assert edited(lambda v: v.update(evaluation=given)).settings.needs_frames


def test_what_trains_on_a_corpus_lies_between_the_papers_and_the_systems_training():
    loaded = other(
        DDC,
        training__batch_size=11,
        training__epochs=13,
        training_on={"dcase2017": {"batch_size": 12, "epochs": 7, "balance": 5}},
        systems__ddc_fap=system(training={"epochs": 9}),
    )

    def said(name, variant=None):
        training = loaded.run(name, variant).training
        return training.batch_size, training.epochs, training.balance

    assert said("ddc_ap", "remix_0db") == said("ddc_ap") == (11, 13, None)
    assert said("ddc_ap", "dcase2017") == (12, 7, 5)
    assert said("ddc_fap", "dcase2017") == (12, 9, 5)
    assert said("ddc_fap", "desed") == (11, 9, None)


def test_a_run_without_a_variant_is_one_of_no_corpus_in_particular():
    loaded = other(DDC)
    assert loaded.run("ddc_fap") == loaded.run("ddc_fap", "remix_0db")
    assert loaded.run("ddc_fap") != loaded.run("ddc_fap", "dcase2017")
    assert "did you mean 'remix_0db'?" in refused(loaded.run, "ddc_fap", "remix_10db")


def test_training_on_an_unknown_corpus_names_the_nearest():
    assert "training_on.dcase2018: no such corpus; did you mean 'dcase2017'?" in refused(
        other, DDC, training_on={"dcase2018": {"epochs": 3}}
    )


def test_a_wrong_key_of_the_training_on_a_corpus_names_its_section_and_the_nearest():
    message = refused(other, DDC, training_on={"dcase2017": {"epoch": 3}})
    assert message == "ddc_fap: training_on.dcase2017: unknown key 'epoch'; did you mean 'epochs'?"
    message = refused(other, DDC, training_on__dcase2017__epochs=-1)
    assert message == "ddc_fap: training_on.dcase2017: 'epochs' = -1: Input should be greater than 0"


@pytest.mark.parametrize("split", ["validatoin", "testing"])
def test_selection_on_a_corpus_is_by_a_split_of_that_corpus(split):
    message = refused(other, DDC, training_on={"desed": {"select_on": split}})
    assert f"training_on.desed.select_on = '{split}' is not a held-out split; " in message
    assert other(DDC, training_on={"dcase2017": {"select_on": "testing"}})


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"kind": "decay", "factor": 0.9}, "key 'training.schedule.iterations' is missing"),
        ({"kind": "decay", "factor": 0.9, "iterations": 0}, "'training.schedule.iterations' = 0"),
        ({"kind": "decay", "factor": 1.0, "iterations": 3}, "'training.schedule.factor' = 1.0"),
        (
            {"kind": "plateau", "factor": 0.1, "patience": 1, "iterations": 3},
            "unknown key 'training.schedule.iterations'",
        ),
        ({"kind": "plateau", "factor": 0.1}, "key 'training.schedule.patience' is missing"),
        ({"kind": "constant", "factor": 0.1}, "unknown key 'training.schedule.factor'"),
        ({"kind": "dekay"}, "'training.schedule.kind' = 'dekay' is unknown; did you mean 'decay'?"),
        ({"factor": 0.1}, "key 'training.schedule.kind' is missing"),
    ],
)
def test_every_kind_of_schedule_has_its_own_keys(schedule, message):
    assert message in refused(other, DDC, training__schedule=schedule)


@pytest.mark.parametrize(
    "training",
    [
        {"schedule": {"kind": "plateau", "factor": 0.1, "patience": 3}},
        {"stop_patience": 4},
    ],
)
def test_without_a_monitor_nothing_can_stall(training):
    message = refused(other, DDC, **{f"training__{key}": value for key, value in training.items()})
    assert "a plateau schedule and stop_patience need a monitor" in message
    message = refused(other, DDC, systems__ddc_fap=system(training=training))
    assert message.startswith("ddc_fap: systems.ddc_fap.training: a plateau schedule and stop_patience need a monitor")
    assert other(DDC, systems__ddc_fap=system(training=training | {"monitor": "loss"})).run("ddc_fap")


@pytest.mark.parametrize("balance", [0.5, 0, -1])
def test_balance_is_at_least_one(balance):
    assert "'training.balance'" in refused(other, DDC, training__balance=balance)


def test_seeds_of_a_system_stand_once_and_come_before_those_of_the_configuration():
    assert "a seed is listed twice" in refused(other, DDC, systems__ddc_fap=system(seeds=[1, 2, 1]))
    loaded = other(DDC, systems__ddc_fap=system(seeds=[4, 2]))
    assert [who.seed for who in runs_of(configured(), loaded, "ddc_fap", "remix_0db")] == [4, 2]
    assert [who.seed for who in runs_of(configured(), loaded, "ddc_ap", "remix_0db")] == [1]


def test_a_figure_looks_into_the_first_run_of_each_system_or_into_all():
    config = configured(folds=[1, 3], seeds=[5, 6])
    changed = configured(folds=[1, 3], seeds=[5, 6], set={DDC: {"figures.figure4.runs": "first"}})
    loaded = load_paper(DDC, changed)
    first = figure_runs(changed, loaded, "figure4")
    assert [(who.system, who.fold, who.seed) for who in first] == [
        (system, 1, 5) for system in loaded.settings.figures["figure4"].systems
    ]
    loaded = load_paper(DDC, config)
    every = figure_runs(config, loaded, "figure5")
    assert [(who.system, who.fold, who.seed) for who in every] == [
        (system, fold, seed)
        for system in loaded.settings.figures["figure5"].systems
        for fold in (1, 3)
        for seed in (5, 6)
    ]
    assert "'figures.figure5.runs' = 'some'" in refused(other, DDC, figures__figure5__runs="some")


@pytest.mark.parametrize("name", paper_names())
def test_classes_of_official_corpora_are_those_of_their_data_sets_in_their_order(name):
    settings = load_paper(name, configured()).settings
    for corpus, given in settings.corpora.items():
        if given.kind == "official":
            assert settings.classes_of(corpus) == data_set(given.data_set).CLASSES


def test_mixed_corpora_have_the_41_classes_whatever_the_paper():
    assert other(DDC).settings.classes_of("remix") == paper().settings.classes
    assert len(other(DDC).settings.classes_of("desed")) == 10
    assert len(other(DDC).settings.classes_of("dcase2017")) == 17


# --- semi-supervised training: roles of splits, methods, systems based on others, a front end per corpus

DOMESTIC = "c_ssed"


def stage(method, **training):
    """Settings of a system of c_ssed, trained by a method that starts from another run."""
    made = {"label": "x", "network": "crnn", "arguments": {"pooling": "max"}}
    return made | {"training": {"method": method, **training}}


CONFIDENCE = {"kind": "confidence", "penalty": 0.1, "penalty_on": "strong", "augmented": False, "drops_out": False}
RETRAINING = {"kind": "retraining", "weights": "equal", "alpha": 0, "threshold": None, "below": "dropped"}
RETRAINING |= {"labels": "soft", "normalised": "jointly", "start": "anew"}


def test_a_corpus_changes_the_front_end_of_its_own_features():
    settings = other(DOMESTIC, corpora__dcase2019_44k__front_end={"n_mels": 40}).settings
    assert settings.front_end_of("dcase2019") == settings.front_end
    assert settings.front_end_of("dcase2019_44k") == settings.front_end.model_copy(update={"n_mels": 40})
    loaded = other(DOMESTIC)
    assert loaded.run("power", "dcase2019_44k").front_end.n_frames == 1209
    assert loaded.run("power", "dcase2019").front_end.n_frames == loaded.run("power").front_end.n_frames == 605


@pytest.mark.parametrize(
    ("front_end", "hint"),
    [
        ({"n_mel": 40}, "corpora.dcase2019_44k.front_end: unknown key 'n_mel'; did you mean 'n_mels'?"),
        ({"n_mels": 0}, "corpora.dcase2019_44k.front_end: 'n_mels' = 0"),
        ({"fmax": 99999}, "corpora.dcase2019_44k.front_end: fmax = 99999"),
    ],
)
def test_a_wrong_front_end_of_a_corpus_is_refused_when_the_paper_loads(front_end, hint):
    message = refused(other, DOMESTIC, corpora__dcase2019_44k__front_end=front_end)
    assert hint in message
    assert DOMESTIC in message


def test_a_split_in_two_roles_and_a_subset_of_no_held_out_split_are_refused():
    message = refused(other, DOMESTIC, corpora__dcase2019__unlabelled=["unlabelled", "weak"])
    assert "corpora.dcase2019" in message and "split 'weak' is listed twice" in message
    message = refused(other, DOMESTIC, corpora__dcase2019__subsets__eval2018__split="weak")
    assert "subsets.eval2018.split = 'weak' is not held out; " in message


def test_an_unknown_method_or_key_of_it_names_the_nearest():
    message = refused(other, DOMESTIC, training__method__kind="mean_techer")
    assert "'training.method.kind' = 'mean_techer' is unknown; did you mean 'mean_teacher'?" in message
    message = refused(other, DOMESTIC, systems__prob=stage(RETRAINING | {"alfa": 1}) | {"based_on": "power"})
    assert "unknown key 'method.alfa'; did you mean 'alpha'?" in message


def test_what_a_method_does_not_say_is_as_in_the_papers_where_it_has_such_a_key():
    loaded = other(DOMESTIC)
    usual, retraining = loaded.settings.training.method, loaded.run("prob", "dcase2019").training.method
    shared = set(type(usual).model_fields) - {"kind"}
    assert retraining.kind == "retraining"
    assert {key: getattr(retraining, key) for key in shared} == {key: getattr(usual, key) for key in shared}
    supervised = other(DOMESTIC, systems__power=stage({"kind": "supervised"}, monitor="loss"))
    assert supervised.run("power").training.method.model_dump() == {"kind": "supervised"}
    # A corpus changes keys of the method for the systems that have them; a system has the last word.
    assert loaded.run("mt18", "dcase2019_mt18").training.method.shift_frames == 0
    own = other(DOMESTIC, systems__power=stage({"shift_frames": 3}))
    assert own.run("power", "dcase2019_mt18").training.method.shift_frames == 3
    assert own.run("power", "dcase2019_mt18").training.method.noise_on == "teacher"
    assert supervised.run("power", "dcase2019_mt18").training.method.kind == "supervised"


@pytest.mark.parametrize("method", [CONFIDENCE, RETRAINING])
def test_stage_two_needs_a_base_and_stage_one_takes_none(method):
    kind = method["kind"]
    message = refused(other, DOMESTIC, systems__prob=stage(method, monitor="none"))
    assert message == f"c_ssed: systems.prob: training.method {kind} starts from another run; give based_on"
    assert (
        other(DOMESTIC, systems__prob=stage(method, monitor="none") | {"based_on": "power"}).run("prob").based_on
        == "power"
    )
    message = refused(other, DOMESTIC, systems__prob=stage({}) | {"based_on": "power"})
    assert message == "c_ssed: systems.prob: training.method mean_teacher starts from no other run; drop based_on"


def test_bases_are_systems_and_lead_to_an_end():
    message = refused(other, DOMESTIC, systems__prob__based_on="pwoer")
    assert "systems.prob.based_on = 'pwoer' is not a system; did you mean 'power'?" in message
    message = refused(other, DOMESTIC, systems__prob__based_on="prob")
    assert "based_on leads back to itself: prob -> prob" in message
    message = refused(other, DOMESTIC, systems__prob__based_on="retrain", systems__retrain__based_on="prob")
    assert "based_on leads back to itself: " in message and "retrain -> prob -> retrain" in message


def test_a_composed_batch_has_the_size_that_the_settings_say():
    message = refused(other, DOMESTIC, training__batch_size=23)
    assert "batch_size = 23, but method.composition has 24 clips; make them equal" in message
    assert "balance is for clips that come in one order" in refused(other, DOMESTIC, training__balance=5)


def test_an_epoch_is_not_selected_on_a_subset_nor_a_detection_chosen_on_one():
    assert "is not a held-out split" in refused(other, DOMESTIC, training__select_on="eval2018")
    found = SEARCH | {"corpora": ["dcase2019"], "choose_on": "eval2018"}
    assert "is not a held-out split of dcase2019" in refused(other, DOMESTIC, detection={"found": found})


# --- provenance in the file


def test_a_value_without_provenance_is_refused(edited):
    message = refused(edited, lambda v: v["training"].update(epochs=80))
    assert "'training.epochs' has no provenance" in message


def test_an_assumption_without_a_reason_is_refused(edited):
    message = refused(edited, lambda v: v["training"].update(epochs={"value": 80, "source": "assumption"}))
    assert "'training.epochs' is an assumption without a reason" in message


@pytest.mark.parametrize("origin", [{"source": "papr"}, {}])
def test_an_unknown_source_is_refused(edited, origin):
    message = refused(edited, lambda v: v["training"].update(epochs={"value": 80, **origin}))
    assert "'training.epochs': source" in message
    assert "paper" in message


def test_the_authors_code_is_named_where_a_value_is_taken_from_it(edited):
    message = refused(edited, lambda v: v["about"].pop("code"))
    assert "is of the authors' code; name that in about.code" in message


def test_the_authors_code_comes_before_the_paper_and_this_before_cited_code():
    assert list(SOURCES) == ["authors' code", "paper", "cited code", "assumption"]


@pytest.mark.parametrize("provenance", ["paper", {"source": "paper", "raeson": "Table 1"}])
def test_a_malformed_provenance_is_refused(edited, provenance):
    message = refused(edited, lambda v: v["systems"]["vgg_gap"].update(provenance=provenance))
    assert "'systems.vgg_gap'" in message


def test_an_unknown_key_in_a_file_names_the_nearest(edited):
    message = refused(edited, lambda v: v["training"].update(epochz={"value": 1, "source": "paper"}))
    assert "unknown key 'training.epochz'" in message
    assert "did you mean 'epochs'?" in message


def test_an_unknown_key_below_a_named_entry_names_the_nearest(edited):
    message = refused(edited, lambda v: v["systems"]["vgg_gap"].update(lable="x"))
    assert "unknown key 'systems.vgg_gap.lable'" in message
    assert "did you mean 'label'?" in message


def test_a_missing_key_in_a_file_is_named(edited):
    assert "'training.epochs' is missing" in refused(edited, lambda v: v["training"].pop("epochs"), "full")


# --- choosing papers


def test_no_papers_means_all():
    assert chosen_papers(configured()) == paper_names()
    assert chosen_papers(configured(papers=[PAPER])) == [PAPER]


def test_unknown_papers_name_the_nearest():
    assert "did you mean 'two_step_attention'?" in refused(chosen_papers, configured(papers="two_step"))
    assert "did you mean 'two_step_attention'?" in refused(load_paper, "two-step-attention", configured())
