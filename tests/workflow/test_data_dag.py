"""From nothing to prepared tables at the scale `full`, from a local mirror that misbehaves, killed on the way."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project import Project, snakemake
from small_mirror import SmallMirror, make_small_mirror
from web_server import Turn, WebServer

from sedrepro.obtaining.manifest import read_manifest

pytestmark = pytest.mark.dag

SURVEYS = "data/full/surveys"
ARCHIVES = "data/full/corpora/archives"
RECEIPTS = "data/full/corpora/obtained"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory) -> SmallMirror:
    return make_small_mirror(tmp_path_factory.mktemp("mirror"))


def served(server: WebServer, mirror: SmallMirror) -> str:
    """The mirror on a server that breaks the first transfer of each archive, and is slow; its address."""
    for name, content in mirror.contents.items():
        is_large = len(content) > 100_000
        turns = [Turn(cut=len(content) // 3, chunk=2**15, pause=0.01), Turn(status=503)] if is_large else []
        server.serve(f"/{name}", content, turns, always=Turn(chunk=2**18, pause=0.02))
    return server.url


def rows(project: Project, name: str, table: str) -> list[dict[str, str]]:
    with open(project.folder / SURVEYS / name / table, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def counts(project: Project, name: str) -> dict[str, tuple[int, int, int]]:
    """Expected, usable and missing clips by split."""
    found = [row for row in rows(project, name, "coverage.tsv") if row["label"] == "(all)"]
    return {row["split"]: (int(row["expected"]), int(row["usable"]), int(row["missing"])) for row in found}


@pytest.fixture(scope="module")
def built(tmp_path_factory, mirror):
    """A project in which `data` was killed by SIGKILL during the downloads, and then ran to its end."""
    os.environ["no_proxy"] = "127.0.0.1"
    with WebServer() as server:
        config = f"scale=full mirror={served(server, mirror)} manifest={mirror.manifest}"
        project = Project(tmp_path_factory.mktemp("data"), ["data"], config)
        project.plan = project.run("-n")
        project.before = project.files("data/**/*")
        process = project.start()
        deadline = time.monotonic() + 120
        while process.poll() is None and len(project.files(f"{RECEIPTS}/*/[!.]*.json")) < 6:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        project.killed = process.returncode
        project.received = project.files(f"{RECEIPTS}/*/[!.]*.json")
        status, output = snakemake(["--unlock", "--config", *config.split()], project.folder, project.environment)
        assert status == 0, output
        status, project.output = project.run("--rerun-incomplete")
        assert status == 0, project.output
        project.requests = list(server.requests)
        project.most_at_a_time = server.most_active
        yield project


def test_the_plan_names_every_file_with_its_size_and_writes_nothing(built, mirror):
    status, output = built.plan
    assert status == 0, output
    for file in read_manifest(mirror.manifest):
        assert f"Obtaining {file.file} of {file.data_set} ({file.size})" in output
    assert built.before == []


def test_the_plan_of_the_official_files_needs_no_network(tmp_path):
    project = Project(tmp_path, ["data"], "scale=full")
    planned = project.planned()
    needed = [file for file in read_manifest() if file.use == "needed" and file.data_set != "tut_urban_2018"]
    assert planned["obtain"] == len(needed)
    assert planned["survey"] == 7
    official = project.planned("scale=full data_sets=tut_urban_2018 scenes_2018=official")
    assert official["obtain"] == 14
    assert not project.files("data/full/corpora/**/*")


def test_everything_arrives_although_transfers_break_and_the_run_is_killed(built, mirror):
    assert built.killed == -signal.SIGKILL
    assert 6 <= len(built.received) < len(mirror.contents)
    for name, content in mirror.contents.items():
        assert (built.folder / ARCHIVES / name).read_bytes() == content
    assert not built.files(f"{ARCHIVES}/*/*.part*")
    large = [name for name, content in mirror.contents.items() if len(content) > 100_000]
    resumed = {request.path for request in built.requests if request.start}
    assert {f"/{name}" for name in large} <= resumed
    assert built.most_at_a_time <= 3
    unpacked = {path.relative_to(mirror.layouts) for path in mirror.layouts.rglob("*.wav")}
    there = {path.relative_to(built.folder / "data/full/corpora") for path in built.files("data/full/corpora/**/*.wav")}
    only_youtube = re.compile("train/(weak|unlabel_in_domain)/|audio/validation/")
    assert there == {path for path in unpacked if not only_youtube.search(path.as_posix())}


def test_the_prepared_tables_count_what_is_there_and_what_only_youtube_has(built):
    assert counts(built, "dcase2017_task4") == {"training": (4, 4, 0), "testing": (3, 3, 0), "evaluation": (3, 3, 0)}
    assert counts(built, "dcase2019_task4") == {
        "synthetic": (3, 3, 0),
        "weak": (3, 0, 3),
        "unlabelled": (3, 0, 3),
        "validation": (6, 0, 6),
        "public": (3, 3, 0),
    }
    assert counts(built, "dcase2018_task4") == {"evaluation": (3, 0, 3)}
    assert counts(built, "desed_2020") == {"weak": (3, 0, 3), "validation": (6, 0, 6)}
    (scenes,) = counts(built, "tau_urban_2019").values()
    (of_2018,) = counts(built, "tut_urban_2018").values()
    assert 0 < of_2018[0] == of_2018[1] < scenes[0] == scenes[1]
    events = [row for row in rows(built, "dcase2017_task4", "strong.tsv") if row["event_label"]]
    assert events
    assert all(0 <= float(row["onset"]) < float(row["offset"]) for row in events)
    with open(built.folder / "results/full/data/coverage.csv", newline="", encoding="utf-8") as file:
        page = list(csv.DictReader(file))
    assert len({row["data_set"] for row in page}) == 7


def test_a_finished_run_asks_for_nothing_and_clips_from_elsewhere_are_surveyed(built, mirror):
    assert built.planned() == {}
    folder = mirror.layouts / "DCASE2019_task4/dataset/audio/validation"
    (configuration,) = built.files("data/full/configurations/*.yaml")
    words = ["clips", "--config", str(configuration), "--data-set", "dcase2019_task4", "--sources", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "sedrepro", *words],
        cwd=built.folder,
        env=built.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "6 taken" in done.stdout
    assert "dcase2019_task4: 6 of 12 clips are missing" in done.stdout
    status, output = built.run()
    assert status == 0, output
    assert counts(built, "dcase2019_task4")["validation"] == (6, 6, 0)
    assert counts(built, "dcase2018_task4") == {"evaluation": (3, 3, 0)}


def test_a_damaged_mirror_ends_with_a_line_that_names_the_file(tmp_path, mirror, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with WebServer() as server:
        for name, content in mirror.contents.items():
            wrong = name.endswith("FSDKaggle2018.meta.zip")
            server.serve(f"/{name}", content, always=Turn(flip=9) if wrong else Turn())
        config = f"scale=full data_sets=fsdkaggle2018 mirror={server.url} manifest={mirror.manifest}"
        project = Project(tmp_path, ["data"], config)
        status, output = project.run()
    assert status != 0
    assert "FSDKaggle2018.meta.zip cannot be downloaded" in output
    assert "has the checksum md5:" in output
    receipts = project.files(f"{RECEIPTS}/fsdkaggle2018/[!.]*")
    assert [path.name for path in receipts] == ["FSDKaggle2018.audio_train.zip.json"]
    assert not project.files(f"{ARCHIVES}/fsdkaggle2018/FSDKaggle2018.meta.zip*")
    assert not project.files(f"{SURVEYS}/**/*")
    assert Path(tmp_path / "data/full/corpora/FSDKaggle2018/FSDKaggle2018.audio_train").is_dir()
