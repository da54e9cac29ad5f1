"""Tables 1 to 3 of the DDC-FAP paper, generated from networks and settings."""

from types import SimpleNamespace

import pytest

from sedrepro.base.errors import DataError
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import PAPERS_FOLDER, load_paper
from sedrepro.papers.ddc_fap import tables
from sedrepro.published.cells import Cell, read_text_cells

PUBLISHED = PAPERS_FOLDER / "ddc_fap" / "published"
STAGES = read_text_cells(PUBLISHED / "table1.csv")
FRONT_END = SimpleNamespace(n_frames=20, n_mels=64)
DDC = {"dilation": 2, "relu_first": True}
ARGUMENTS = {
    "ddc_fap": {"channels": [32, 64, 128, 128], "block_arguments": DDC, "pooling": "fap"},
    "vgg_fap": {"channels": [32, 64, 128, 128], "pooling": "fap"},
    "narrow": {"channels": [2, 3], "block_arguments": DDC, "pooling": "gap"},
}


def run_of(system, variant=None):
    return SimpleNamespace(
        network="vgg" if system == "vgg_fap" else "ddc",
        arguments=ARGUMENTS[system],
        loss_weights={},
        front_end=FRONT_END,
    )


PAPER = SimpleNamespace(
    name="ddc_fap", settings=SimpleNamespace(front_end=FRONT_END, classes=[str(k) for k in range(41)]), run=run_of
)


@pytest.fixture(scope="module")
def said():
    """What is said of each (stage, system, metric)."""
    return {
        (cell.labels["stage"], cell.system, cell.metric): one
        for cell, one in zip(STAGES, tables.table1(PAPER, STAGES), strict=True)
    }


def test_shapes_follow_the_text(said):
    sizes = [32, 64, 128, 128]
    for system in ("ddc_fap", "vgg_fap"):
        outputs = [said[f"block {number}", system, "output"].ours for number in (1, 2, 3, 4)]
        assert outputs == [f"{size} x 20 x 64" for size in sizes]
        assert said["input", system, "output"].ours == "1 x 20 x 64"
        assert said["masks", system, "output"].ours == "41 x 20 x 64"
        assert said["pooling", system, "output"].ours == "41"


def test_layers_are_those_of_the_network(said):
    assert said["block 2", "ddc_fap", "layers"].ours == (
        "convolution 3 x 3 to 64, ReLU, batch norm, depthwise convolution 3 x 3 to 64, dilation 2, ReLU, batch norm, "
        "convolution 1 x 1 to 64, ReLU, batch norm"
    )
    assert said["block 1", "vgg_fap", "layers"].ours.count("convolution 3 x 3 to 32") == 2
    assert said["masks", "ddc_fap", "layers"].ours == "convolution 1 x 1 to 41"
    assert said["pooling", "ddc_fap", "layers"].ours.startswith("Frequency-dependent auto-pooling: sum")


def test_parameters_add_up_and_masks_have_those_of_a_1x1_convolution(said):
    for system in ("ddc_fap", "vgg_fap"):
        parts = [stage for stage, of, metric in said if of == system and metric == "parameters"]
        counts = {stage: int(said[stage, system, "parameters"].ours) for stage in parts}
        assert counts["masks"] == 41 * (128 + 1)
        assert counts["pooling"] == 41 * 64
        assert counts.pop("whole network") == sum(counts.values())


def test_what_is_missing_is_told_from_what_is_not_printed(said):
    assert said["masks", "ddc_fap", "output"].verdict == "not available"
    assert said["masks", "vgg_fap", "output"].verdict == "no published value"


def cell(stage="block 1", system="narrow", metric="output"):
    return Cell({"stage": stage}, system, "", {}, metric, "")


def test_a_narrow_network_lacks_the_last_blocks():
    there, absent = tables.table1(PAPER, [cell("block 2"), cell("block 3")])
    assert (there.ours, absent.ours) == ("3 x 20 x 64", tables.ABSENT)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"stage": "mask"}, "'mask' is unknown; did you mean 'masks'"), ({"metric": "layer"}, "did you mean 'layers'")],
)
def test_a_wrong_cell_names_the_nearest(wrong, message):
    with pytest.raises(DataError, match=rf"table1\.csv: .*{message}"):
        tables.table1(PAPER, [cell(**wrong)])


# --- settings


@pytest.fixture(scope="module")
def paper():
    """Any paper with a remix at 0 dB and the same kinds of settings."""
    return load_paper(
        "two_step_attention", make_config({"scale": "full", "folds": [1], "seeds": [1], "data_root": PUBLISHED}, "test")
    )


def setting(key, metric):
    return Cell({"setting": key}, "", "", {"key": key}, metric, "", at_hand=False)


def test_a_setting_is_said_with_its_origin(paper):
    value, origin = tables.table3(paper, [setting("front_end.n_mels", m) for m in ("value", "origin")])
    assert (value.ours, origin.ours) == ("64", "paper: Section 4.2")
    assert value.verdict == "not available"


def test_a_section_is_said_setting_by_setting(paper):
    (value,) = tables.table2(paper, [setting("corpora.remix", "value")])
    assert "scenes tau_urban_2019; snr_db 0, 10, 20; mixtures_per_fold 2000" in value.ours


def test_an_unknown_setting_names_the_nearest(paper):
    with pytest.raises(
        DataError, match=r"'front_end\.n_mel', which is not a setting; did you mean 'front_end\.n_mels'"
    ):
        tables.table2(paper, [setting("front_end.n_mel", "value")])


@pytest.mark.parametrize("name", ["table2", "table3"])
def test_the_published_tables_name_settings_and_nothing_else(name):
    paper = load_paper("ddc_fap", make_config({"scale": "miniature", "folds": [1], "seeds": [1]}, "test"))
    cells = read_text_cells(PUBLISHED / f"{name}.csv")
    said = getattr(tables, name)(paper, cells)
    assert all(one.ours for one in said)
    assert {one.verdict for cell, one in zip(cells, said, strict=True) if cell.metric == "value"} == {"not available"}
