"""A rehearsal's layouts: as many clips as officially, or a share of them; each a link to one of a few sounds."""

from collections import Counter
from pathlib import Path

import pytest

from sedrepro.corpora.survey import survey
from sedrepro.data_sets import data_set, dcase2017_task4
from sedrepro.miniature import rehearsal
from sedrepro.miniature.dcase2017_task4 import TrafficSize
from sedrepro.miniature.dcase2019_task4 import DomesticSize
from sedrepro.miniature.rehearsal import LEAST, OFFICIAL, counts, write_layout
from sedrepro.miniature.remix_sources import MiniatureSize

SHARE = 0.01


@pytest.fixture(autouse=True)
def _few_sounds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rehearsal, "SOUNDS", MiniatureSize(clips_per_class=1, rare_class_clips=1, segments_per_scene=1))
    monkeypatch.setattr(rehearsal, "TRAFFIC_SOUNDS", TrafficSize(2, 2, 2))
    monkeypatch.setattr(rehearsal, "DOMESTIC_SOUNDS", DomesticSize(2, 2, 2, 2, 2, 2))


def write(archive: str, root: Path, share: float = SHARE, tables: Path | None = None, classes=("A", "B", "C")):
    return write_layout(archive, root, 0, share, tables, classes)


def test_official_numbers_are_those_of_the_papers_data_sets():
    sums = {archive: sum(parts.values()) for archive, parts in OFFICIAL.items()}
    assert sums["dcase2017_task4"] == 52763 and sums["dcase2019_task4"] == 19895
    assert counts("dcase2017_task4", 1) == OFFICIAL["dcase2017_task4"]
    assert counts("dcase2017_task4", 0.1) == {"training": 5117, "testing": 60, "evaluation": 110}
    assert min(counts("dcase2019_task4", 1e-9).values()) == LEAST


@pytest.mark.parametrize(
    ("archive", "name"),
    [(archive, archive) for archive in OFFICIAL]
    + [("dcase2019_task4", "desed_2020"), ("tau_urban_2019", "tut_urban_2018")],
)
def test_every_clip_is_there_and_usable(tmp_path: Path, archive: str, name: str):
    facts = write(archive, tmp_path)
    listed = data_set(name).clips(tmp_path)
    assert 0 < len(listed) <= facts["clips"]
    assert [found for found in survey(tmp_path, listed, name, use_silent=True) if found.problem] == []
    inodes = {(tmp_path / clip.filename).stat().st_ino for clip in listed}
    assert len(inodes) < len(listed)
    again = write(archive, tmp_path)
    assert again == facts


def test_counts_by_split_are_the_share(tmp_path: Path):
    write("dcase2017_task4", tmp_path)
    splits = Counter(clip.split for clip in dcase2017_task4.clips(tmp_path))
    assert splits == {"training": 512, "testing": 60, "evaluation": 60}


def test_sound_events_take_the_classes_asked_for_in_turn(tmp_path: Path):
    facts = write("fsdkaggle2018", tmp_path)
    listed = data_set("fsdkaggle2018").clips(tmp_path)
    assert len(listed) == facts["clips"] == counts("fsdkaggle2018", SHARE)["verified"]
    shares = Counter(clip.labels for clip in listed)
    assert set(shares) == {("A",), ("B",), ("C",)}
    assert max(shares.values()) - min(shares.values()) <= 1


def test_official_tables_are_taken_where_all_clips_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(OFFICIAL, "dcase2017_task4", {"training": 60, "testing": 60, "evaluation": 60})
    official = tmp_path / "official"
    dcase2017 = rehearsal.dcase2017_task4
    (official / dcase2017.FOLDER).mkdir(parents=True)
    dcase2017.write_tables(official / dcase2017.FOLDER, dcase2017.plans(TrafficSize(9, 7, 5), 3))
    facts = write("dcase2017_task4", tmp_path / "own", 1, official)
    assert facts == {"clips": 21, "tables": "official", "share": 1}
    for table in dcase2017_task4.LABELS:
        assert (tmp_path / "own" / table).read_bytes() == (official / table).read_bytes()
    listed = dcase2017_task4.clips(tmp_path / "own")
    assert not any(found.problem for found in survey(tmp_path / "own", listed, "all"))
    assert write("dcase2017_task4", tmp_path / "part", 0.5, official)["tables"] == "drawn"
    assert write("dcase2017_task4", tmp_path / "without", 1, tmp_path)["tables"] == "drawn"
