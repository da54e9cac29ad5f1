"""The whole workflow at a size that takes seconds, in a copy of the project: run, killed, continued, edited."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from project import ROOT, Project, config_words, snakemake

from sedrepro.corpora.tables import CORPUS_TABLES
from sedrepro.miniature.dcase2017_task4 import TrafficSize, write_dcase2017_task4

pytestmark = pytest.mark.dag

PAPER = "results/miniature/two_step_attention"
TABLE, FIGURE = f"{PAPER}/tables/table3.csv", f"{PAPER}/figures/figure2.svg"
TINY = (
    "set={two_step_attention: {training.epochs: 1, training.batch_size: 8, corpora.remix.mixtures_per_fold: 8, "
    "corpora.remix.snr_db: [0, 20], front_end.n_mels: 16, networks.two_step.channels: [4, 4], "
    "networks.atrous.channels: [4, 4]}}"
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A project in which nothing has run."""
    return Project(tmp_path_factory.mktemp("empty"), [TABLE, FIGURE], TINY)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project whose run was killed by SIGKILL when it had trained something, and then run to its end."""
    project = Project(tmp_path_factory.mktemp("project"), [TABLE, FIGURE], TINY)
    process = project.start()
    deadline = time.monotonic() + 240
    while process.poll() is None and not project.files(f"{PAPER}/runs/*/*/*/*/config.json"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, output
    project.unfinished = [name for name in (TABLE, FIGURE) if not (project.folder / name).exists()]
    project.done_before = {
        path: path.stat().st_mtime_ns
        for pattern in ("data/miniature/surveys/*/clips.tsv", "data/miniature/*/features/*/store.json")
        for path in project.files(pattern)
    }
    status, output = snakemake(["--unlock", "--config", TINY], project.folder, project.environment)
    assert status == 0, output
    status, project.output = project.run("--rerun-incomplete")
    assert status == 0, project.output
    return project


# --- before anything has run


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("scale=minature", "scale 'minature' is unknown; did you mean 'miniature'?"),
        ("set={two_step_attention: {training.epochs: -1}}", "'training.epochs' = -1: Input should be greater than 0"),
    ],
)
def test_a_wrong_configuration_ends_the_workflow_with_a_line_that_says_so(empty, config, message):
    """Which configurations are wrong: `test_left_out.py` and `tests/experiments`."""
    words = ["--profile", "workflow/profiles/default", "-n", "--config", *config_words(config)]
    status, shown = snakemake(words, empty.folder, empty.environment)
    assert status != 0
    assert len([line for line in shown.splitlines() if message in line]) == 1, shown
    assert "Traceback" not in shown
    assert len(shown.splitlines()) <= 5, shown


def test_the_plan_makes_each_thing_once(empty):
    assert empty.planned() == {
        "synthesise": 2,
        "survey": 2,
        "recipes": 1,
        "corpus_tables": 1,
        "features": 1,
        "train": 4,  # two runs with and one without the auxiliary task, and the atrous one
        "score": 3,  # the figure needs no score of its run
        "table": 1,
        "examine": 1,
        "figure": 1,
    }


# --- a run, killed and continued


def test_a_killed_run_goes_on_where_it_stopped(built):
    assert built.unfinished == [TABLE, FIGURE]
    assert len(built.done_before) == 3
    for path, modified in built.done_before.items():
        assert path.stat().st_mtime_ns == modified
    assert not re.findall(
        r"^Job \d+: (?:Synthesising|Checking|Drawing the recipes|Mixing).*", built.output, re.MULTILINE
    )
    assert "Training" in built.output


def test_the_table_holds_every_cell_with_its_published_value(built):
    with open(built.folder / TABLE, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {row["system"] for row in rows} == {"atrous_ap", "2ap_alpha_0", "2ap_alpha_0.001"}
    assert all(row["published"] and row["verdict"] for row in rows)
    assert [float(row["mean"]) for row in rows if row["mean"]]
    assert all(0 <= float(row["mean"]) <= 1 for row in rows if row["mean"])
    for suffix in (".md", ".html"):
        assert "Cowbell" in (built.folder / TABLE).with_suffix(suffix).read_text(encoding="utf-8")


def test_the_figure_is_there_in_both_forms(built):
    assert (built.folder / FIGURE).read_text(encoding="utf-8").startswith("<?xml")
    assert (built.folder / FIGURE).with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_overrides_of_the_command_line_reach_the_runs(built):
    for path in built.files(f"{PAPER}/runs/*/*/*/*/config.json"):
        settings = json.loads(path.read_text())["settings"]
        assert settings["training"]["epochs"] == 1
        assert settings["front_end"]["n_mels"] == 16
        assert settings["arguments"]["channels"] == [4, 4]


def test_no_resume_state_is_left(built):
    assert not built.files("data/miniature/resume/**/*.pt")


# --- what runs again


def test_a_second_run_does_nothing(built):
    before = {path: path.stat().st_mtime_ns for path in built.files(f"{PAPER}/**/*.*")}
    status, output = built.run()
    assert status == 0
    assert "Nothing to be done" in output
    assert before == {path: path.stat().st_mtime_ns for path in built.files(f"{PAPER}/**/*.*")}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # It picks the best epoch, too.
        ("evaluation/clip_metrics.py", {"train": 4, "score": 3, "table": 1, "examine": 1, "figure": 1}),
        ("published/verdict.py", {"table": 1}),
        ("papers/two_step_attention/figures.py", {"examine": 1, "figure": 1}),
        ("nn/poolings.py", {"train": 4, "score": 3, "table": 1, "examine": 1, "figure": 1}),
        ("cli.py", {}),
        ("reporting/status/model_card.py", {}),
    ],
)
def test_an_edit_reruns_what_uses_the_file_and_nothing_else(built, name, expected):
    with built.edited(name):
        planned = built.planned()
    assert planned == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("training.epochs: 1", "training.epochs: 2", {"train", "score", "table", "examine", "figure"}),
        ("n_mels: 16", "n_mels: 12", {"features", "train", "score", "table", "examine", "figure"}),
        (
            "fold: 8",
            "fold: 9",
            {"recipes", "corpus_tables", "features", "train", "score", "table", "examine", "figure"},
        ),
    ],
)
def test_a_changed_setting_reruns_what_depends_on_it(built, old, new, expected):
    assert set(built.planned(TINY.replace(old, new))) == expected


def test_comments_and_docstrings_run_nothing_again(built):
    path = built.folder / "src" / "sedrepro" / "training" / "loop.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"# a comment\n{text}", encoding="utf-8")
    assert built.planned() == {}
    path.write_text(text, encoding="utf-8")


def test_after_all_this_nothing_is_to_be_done(built):
    assert built.planned() == {}


def test_a_moved_checkout_makes_nothing_again(built, tmp_path):
    moved = Project(tmp_path / "moved", [TABLE, FIGURE], TINY)
    shutil.rmtree(moved.folder)
    shutil.copytree(built.folder, moved.folder)
    assert moved.planned() == {}


def test_a_second_command_does_not_change_the_configuration_of_a_run(built):
    """Its jobs read a file that is named by its content; another command writes another."""
    files = {path.name: path.read_bytes() for path in built.files("data/miniature/configurations/*.yaml")}
    assert len(files) == 1
    (path,) = built.files("data/miniature/configurations/*.yaml")
    status, output = built.run("--until", "train", config=TINY.replace("training.epochs: 1", "training.epochs: 3"))
    assert status == 0, output
    assert path.read_bytes() == files[path.name]
    assert len(built.files("data/miniature/configurations/*.yaml")) == 2
    for run in built.files(f"{PAPER}/runs/*/*/*/*/config.json"):
        assert json.loads(run.read_text())["settings"]["training"]["epochs"] == 3


# --- a paper of official clips, detected events and a table of texts

OFFICIAL = "results/recordings/hierarchical_pooling"
TEXTS, NUMBERS, CURVES = (
    f"{OFFICIAL}/tables/table1.csv",
    f"{OFFICIAL}/tables/table3.csv",
    f"{OFFICIAL}/figures/figure5.svg",
)
GRIDS = {
    f"detection.{way}.{key}": values
    for way in ("lowest_error_rate", "highest_f1")
    for key, values in {
        "thresholds": [0.3, 0.5],
        "median_seconds": [0],
        "longest_gap_seconds": [0],
        "shortest_seconds": [0, 0.5],
    }.items()
}
SMALL = GRIDS | {
    "front_end.sample_rate": 16000,
    "front_end.fmax": 8000,
    "front_end.window_length": 3200,
    "front_end.hop_length": 3200,
    "front_end.n_mels": 32,
    "networks.gated_crnn.filters": [4, 4, 4, 4],
    "networks.gated_crnn.poolings": [[1, 4], [1, 2], [1, 2], [1, 1]],
    "networks.gated_crnn.last_filters": 4,
    "networks.gated_crnn.last_pooling": [1, 2],
    "networks.gated_crnn.recurrent": 4,
    "training.epochs": 1,
    "figures.figure5.systems": ["linear_single", "linear_hierarchical"] * 3,  # two runs in place of six
}


def recorded(data_root, **changes):
    """Words for `--config`; without spaces, since they are parted there."""
    overrides = {"hierarchical_pooling": SMALL | changes}
    words = {"scale": "recordings", "data_root": data_root, "device": "cpu", "papers": "hierarchical_pooling"}
    words["set"] = json.dumps(overrides, separators=(",", ":"))
    return " ".join(f"{key}={value}" for key, value in words.items())


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    """A few clips in the official layout, as if they were recordings."""
    root = tmp_path_factory.mktemp("dcase2017")
    write_dcase2017_task4(root, seed=0, size=TrafficSize(training=20, testing=6, evaluation=6))
    return root


@pytest.fixture(scope="module")
def official(tmp_path_factory, data_root):
    """A project whose paper has run: a table of texts, one of numbers, and a figure of two systems."""
    project = Project(tmp_path_factory.mktemp("official"), [TEXTS, NUMBERS, CURVES], recorded(data_root))
    project.first_plan = project.planned()
    status, output = project.run()
    assert status == 0, output
    return project


def test_official_clips_go_the_way_from_survey_to_table_and_figure(official):
    assert official.first_plan == {
        "survey": 1,
        "corpus_tables": 1,
        "features": 1,
        "train": 2,  # the figure's; one of them is the table's too
        "score": 2,  # a figure of all runs is of scored ones
        "table": 2,
        "examine": 1,
        "figure": 1,
    }
    assert not official.files("data/recordings/*/corpora/*/recipes.tsv")
    (corpus,) = official.files("data/recordings/hierarchical_pooling/corpora/dcase2017")
    assert {path.name for path in corpus.iterdir()} == set(CORPUS_TABLES)
    (metrics,) = official.files(f"{OFFICIAL}/runs/linear_hierarchical/*/*/*/metrics.json")
    found = json.loads(metrics.read_text())
    assert {name: part["clips"] for name, part in found["splits"].items()} == {"testing": 6, "evaluation": 6}
    for way in ("lowest_error_rate", "highest_f1"):
        chosen = [part["detections"][way]["settings"] for part in found["splits"].values()]
        assert chosen[0] == chosen[1]
        assert chosen[0]["threshold"] in SMALL[f"detection.{way}.thresholds"]
    with open(official.folder / NUMBERS, newline="", encoding="utf-8") as file:
        ours = [row for row in csv.DictReader(file) if row["system"]]
    assert len(ours) == 4
    assert all(float(row["mean"]) >= 0 for row in ours)
    assert "y = max" in (official.folder / TEXTS).read_text(encoding="utf-8")
    assert "Linear, hierarchical" in (official.folder / CURVES).read_text(encoding="utf-8")


def test_a_table_of_texts_needs_no_run(tmp_path, data_root):
    assert Project(tmp_path / "texts", [TEXTS], recorded(data_root)).planned() == {"table": 1}


def test_a_second_run_over_official_clips_does_nothing(official):
    assert official.planned() == {}


RESCORED = {"score": 2, "table": 1, "examine": 1, "figure": 1}
RETRAINED = RESCORED | {"train": 2}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("detection/search.py", RESCORED),
        ("evaluation/segment_based.py", RESCORED),
        ("papers/hierarchical_pooling/network.py", RETRAINED | {"table": 2}),
        ("nn/poolings.py", RETRAINED | {"table": 2}),
        ("corpora/official.py", RETRAINED | {"corpus_tables": 1, "features": 1}),
    ],
)
def test_an_edit_reruns_what_uses_the_file_and_nothing_else_of_official_clips(official, name, expected):
    with official.edited(name):
        planned = official.planned()
    assert planned == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # The table of texts may say any setting, so each of them concerns it.
        ({"detection.highest_f1.thresholds": [0.4]}, RESCORED | {"table": 2}),
        (
            {"systems.linear_single.arguments.groups": [5]},
            {"train": 1, "score": 1, "examine": 1, "figure": 1, "table": 1},
        ),
        (
            {"corpora.dcase2017.held_out": ["evaluation", "testing"]},
            RETRAINED | {"corpus_tables": 1, "features": 1, "table": 2},
        ),
    ],
)
def test_a_changed_setting_reruns_what_depends_on_it_of_official_clips(official, data_root, changes, expected):
    assert official.planned(recorded(data_root, **changes)) == expected


# --- in another folder, and as a module


def test_it_runs_in_another_folder_and_as_a_module_of_another_workflow(tmp_path):
    config = {"scale": "miniature", "papers": "hierarchical_pooling"}
    outer = tmp_path / "Snakefile"
    outer.write_text(
        f"module sedrepro:\n    snakefile: {str(ROOT / 'Snakefile')!r}\n    config: {config!r}\n\n"
        "use rule * from sedrepro as sed_*\n"
    )
    words = [f"{key}={value}" for key, value in config.items()]
    elsewhere = [
        "-s",
        str(ROOT / "Snakefile"),
        "--directory",
        str(tmp_path),
        "--config",
        *words,
        "--",
        TEXTS.replace("recordings", "miniature"),
    ]
    for arguments in (elsewhere, ["-s", str(outer), "--", "sed_hierarchical_pooling"]):
        command = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "results/miniature/hierarchical_pooling/tables/" in done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".snakemake") == ["Snakefile"]
