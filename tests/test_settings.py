from pathlib import Path

import pytest
import yaml

from sedrepro import settings as module
from sedrepro.config import SCALES, make_config
from sedrepro.errors import SettingsError
from sedrepro.miniature.events import EVENTS
from sedrepro.reporting.cells import read_cells
from sedrepro.runs import figure_runs, runs_of
from sedrepro.settings import PAPERS_FOLDER, chosen_papers, load_paper, paper_names

ROOT = Path(__file__).parents[1]
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
        module._read.cache_clear()
        return load_paper("mine", configured(scale))

    yield load
    module._read.cache_clear()


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
    assert {origin.source for origin in loaded.provenance.values()} <= {"paper", "reference code", "assumption"}
    assert all(o.reason for o in loaded.provenance.values() if o.source == "assumption")
    for section in ("front_end", "training"):
        for key in getattr(loaded.settings, section).model_dump():
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
    assert training.select_on == "validation"


def test_published_corpus():
    corpora = paper().settings.corpora
    remix = corpora["remix"]
    assert (remix.events, remix.scenes) == ("fsdkaggle2018", "tau_urban_2019")
    assert sorted(remix.snr_db) == [0, 10, 20]
    assert 4 * remix.mixtures_per_fold == 8000
    assert (remix.draw, remix.level, remix.seed) == ("reshuffled", "whole_file", 1234)
    assert corpora["remix_as_released"].draw == "tiled"
    assert corpora["remix_active"].level == "active"
    for other in ("remix_as_released", "remix_active"):
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
    assert loaded.run("atrous_ap").arguments == {"channels": [64, 128, 256]}
    assert loaded.run("2ap_alpha_0.001").arguments == {"channels": [32, 64, 128, 256], "inner_sigmoid": True}
    assert loaded.run("2ap_no_inner_sigmoid").arguments["inner_sigmoid"] is False
    assert loaded.run("2ap_no_inner_sigmoid").loss_weights == {"reconstruction": 0.001}


def test_values_that_the_paper_prints_are_marked_so():
    provenance = paper().provenance
    printed = ("training.batch_size", "training.learning_rate", "front_end.window_length", "front_end.hop_length")
    assert {provenance[key].source for key in (*printed, "front_end.n_mels", "corpora.remix.snr_db")} == {"paper"}
    assert provenance["training.epochs"].source == "reference code"
    assert provenance["training.select_on"].source == "assumption"
    assert provenance["systems.vgg_gwrp.arguments.r"].source == "reference code"
    assert provenance["systems.vgg_gwrp.arguments.pooling"].source == "paper"


# --- runs


def test_a_system_changes_training_for_its_own_runs_only():
    loaded = paper()
    assert loaded.run("2ap_selected_on_held_out").training.select_on == "held_out"
    same = loaded.run("2ap_alpha_0.001")
    assert same.training.select_on == "validation"
    changed = loaded.run("2ap_selected_on_held_out")
    assert changed.training.model_copy(update={"select_on": "validation"}) == same.training


def test_unknown_systems_and_variants_name_the_nearest():
    loaded = paper()
    assert "did you mean 'vgg_gwrp'?" in refused(loaded.run, "vgg_gwpr")
    assert "did you mean 'remix_20db'?" in refused(loaded.settings.corpus_of, "remix_20")


def test_variants_lead_to_their_corpus():
    corpus_of = paper().settings.corpus_of
    assert corpus_of("remix_20db") == ("remix", 20)
    assert corpus_of("remix_as_released_0db") == ("remix_as_released", 0)


def test_a_wrong_training_key_of_a_system_names_the_nearest(edited):
    loaded = edited(lambda v: v["systems"]["vgg_gap"].update(training={"epoch": 3}))
    message = refused(loaded.run, "vgg_gap")
    assert "systems.vgg_gap.training" in message
    assert "did you mean 'epochs'?" in message


def test_a_system_of_an_unknown_network_names_the_nearest(edited):
    loaded = edited(lambda v: v["systems"]["vgg_gap"].update(network="vgg_lik"))
    assert "did you mean 'vgg_like'?" in refused(loaded.run, "vgg_gap")


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
    assert cpu.settings.training.epochs < gpu.settings.training.epochs
    assert cpu.provenance["training.epochs"].reason.startswith("recordings-cpu: ")
    assert cpu.settings.corpora["remix"].mixtures_per_fold < gpu.settings.corpora["remix"].mixtures_per_fold


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
        ("training.epoch", "did you mean 'epochs'?"),
        ("trainin.epochs", "did you mean 'training'?"),
        ("training.epochs.first", "'epochs' holds no keys"),
        ("systems.2ap_alpha_0.002.label", "unknown key"),
        ("systems.vgg_gapp.label", "did you mean 'vgg_gap'?"),
        ("", "unknown key ''"),
    ],
)
def test_unknown_override_keys_name_the_nearest(key, hint):
    message = refused(paper, overrides={key: 1})
    assert "configuration: set.two_step_attention" in message
    assert hint in message


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
        ({"training": {"epochs": 3}}, ("training.batch_size", "missing")),
    ],
)
def test_impossible_values_are_refused_in_one_short_line(overrides, words):
    message = refused(paper, overrides=overrides)
    for word in words:
        assert word in message
    assert len(message) < 300


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
