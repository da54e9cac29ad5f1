from pathlib import Path

import pytest

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.experiments.provenance import SOURCES
from sedrepro.experiments.scales import SCALES
from sedrepro.reporting.status.provenance import print_settings, setting_rows, unstated

ROOT = Path(__file__).parents[3]
PAPER = "two_step_attention"


def paper(name=PAPER, scale="full", budget="cpu", **overrides):
    given = {"scale": scale, "folds": [1], "seeds": [1], "data_root": ROOT, "budget": budget}
    return load_paper(name, make_config(given | {"set": {name: overrides}}, "test"))


@pytest.mark.parametrize("budget", ["cpu", "gpu"])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", paper_names())
def test_every_setting_of_every_paper_is_shown_with_its_source(name, scale, budget):
    rows = setting_rows(paper(name, scale, budget))
    keys = [key for key, *_ in rows]
    assert len(keys) == len(set(keys))
    assert {"front_end.n_mels", "training.epochs"} <= set(keys)
    for key, value, source, reason in rows:
        assert value != "", key
        assert source in (*SOURCES, "scale")
        assert reason or source != "assumption", key


def test_rows_show_the_value_in_use_and_where_it_comes_from():
    rows = {key: rest for key, *rest in setting_rows(paper())}
    assert rows["training.batch_size"] == ["24", "paper", "Section 4.2"]
    assert rows["networks.two_step.channels"][:2] == ["32, 64, 128, 256", "authors' code"]
    assert rows["systems.2ap_alpha_0.001.loss_weights.reconstruction"][:2] == ["0.001", "paper"]
    assert rows["networks.vgg_like.channels"][2].endswith("the text names only VGGish")
    miniature = {key: rest for key, *rest in setting_rows(paper(scale="miniature"))}
    assert miniature["networks.two_step.channels"][:2] == ["8, 8, 16, 16", "scale"]


def test_overrides_are_shown_as_such():
    rows = {key: rest for key, *rest in setting_rows(paper(**{"training.epochs": 7}))}
    assert rows["training.epochs"] == ["7", "configuration", ""]


def test_an_overridden_mapping_is_one_row():
    rows = {key: rest for key, *rest in setting_rows(paper(**{"systems.vgg_gwrp.arguments": {"pooling": "gap"}}))}
    assert rows["systems.vgg_gwrp.arguments"][1] == "configuration"
    assert "gap" in rows["systems.vgg_gwrp.arguments"][0]
    assert not [key for key in rows if key.startswith("systems.vgg_gwrp.arguments.")]


@pytest.mark.parametrize("name", paper_names())
def test_an_assumption_that_a_scale_replaces_is_still_one_and_says_what_is_used_instead(name):
    published, small = unstated(paper(name)), unstated(paper(name, "miniature"))
    for source, reasons in published.items():
        for reason, lines in reasons.items():
            there = small[source][reason]
            assert {line.split(" = ")[0] for line in lines} == {line.split(" = ")[0] for line in there}
            for line in lines:
                assert any(one == line or one.startswith(f"{line} (") for one in there), line
    assert "(here 8, 8, 16, 16, by the scale)" in str(unstated(paper(scale="miniature"))["authors' code"])


def test_what_is_used_instead_of_a_value_in_a_replaced_section_is_the_value_there_or_behind_it():
    lines = [
        line
        for name in ("c_ssed", "joint_at_aed", "ddc_fap")
        for reasons in unstated(paper(name, "miniature")).values()
        for of_reason in reasons.values()
        for line in of_reason
    ]
    assert not [line for line in lines if "(here {" in line]
    for expected in (
        "training.method.composition.weak = 6 (here 3, by the scale)",
        "corpora.dcase2019_mt18.front_end.sample_rate = 44100 (here 16000, by the scale)",  # that of `front_end`
        "corpora.dcase2019_mt18_as_released.front_end.padding = zero_features",  # unchanged
        "networks.guided.student.dropout = 0",
        "training_on.desed.epochs = 152 (here 16, by the scale)",
    ):
        assert expected in lines


def test_a_long_value_does_not_widen_the_column_of_all(capsys):
    print_settings(paper("c_ssed"))
    for line in capsys.readouterr().out.splitlines()[1:]:
        assert " " * 80 not in line


def test_labels_and_names_of_networks_are_no_assumptions():
    for name in paper_names():
        lines = str(unstated(paper(name, "miniature")))
        assert ".label = " not in lines
        assert not any(f"systems.{system}.network = " in lines for system in paper(name).settings.systems)


def test_what_a_replaced_mapping_held_is_listed_with_the_whole_that_replaced_it():
    changed = unstated(paper(**{"systems.vgg_gwrp.arguments": {"pooling": "gap"}}))
    assert changed["configuration"] == {"": ["systems.vgg_gwrp.arguments = {'pooling': 'gap'}"]}


def test_printed_settings_are_aligned_below_the_papers_name(capsys):
    loaded = paper()
    print_settings(loaded)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == f"{loaded.settings.about.title} (Interspeech 2021); budget: cpu"
    assert len(lines) == len(setting_rows(loaded))
    column = lines[0].index("32000")
    for line, (key, value, *_) in zip(lines, setting_rows(loaded), strict=True):
        assert line.startswith(key)
        assert line[column:].startswith(value)
        assert line == line.rstrip()


def test_settings_fit_a_terminal_and_each_reason_is_told_once(capsys, monkeypatch):
    monkeypatch.setattr("sedrepro.reporting.status.provenance.line_width", lambda: 72)
    loaded = paper(scale="miniature")
    print_settings(loaded)
    _, *lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 72
    text = " ".join(" ".join(lines).split())
    rows = setting_rows(loaded)
    for key, _, _, reason in rows:
        assert f"{key} = " in text
        assert not reason or " ".join(reason.split()) in text
    shared = next(reason for _, _, source, reason in rows if source == "scale")
    assert text.count(" ".join(shared.split())) == 1
