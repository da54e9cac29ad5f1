"""Real recordings in the official layouts go the way of every data set."""

import subprocess
import sys
from pathlib import Path

import pytest

from sedrepro.base.parallel import usable_cores
from sedrepro.corpora.survey import survey, write_survey
from sedrepro.data_sets import data_set, data_set_names, trait

BUILD = Path(__file__).parents[2].parent / "shared" / "recordings" / "build.py"

pytestmark = [
    pytest.mark.recordings,
    pytest.mark.skipif(not BUILD.is_file(), reason=f"the recordings are not at {BUILD}"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recordings")
    subprocess.run([sys.executable, str(BUILD), str(root), "--scale", "0.01"], check=True, capture_output=True)
    return root


@pytest.mark.parametrize("name", data_set_names())
def test_every_clip_is_listed_found_and_usable(root: Path, tmp_path: Path, name: str):
    clips = data_set(name).clips(root)
    found = survey(root, clips, name, trait(name, "USES_SILENT_CLIPS"), usable_cores())
    facts = write_survey(tmp_path, name, data_set(name).CLIP_SECONDS, found)
    assert facts.usable == facts.expected == len(clips) > 0
    assert {one.clip.split for one in found} == set(data_set(name).SPLITS)
    assert {one.sample_rate for one in found} == {32000}
    assert facts.events_past_the_end == 0
    labels = {label for clip in clips for label in clip.labels or ()}
    assert labels <= set(trait(name, "CLASSES") or labels)
    strong = [clip for clip in clips if clip.events is not None]
    assert all({event.event_label for event in clip.events} <= set(clip.labels) for clip in strong)
    assert bool(strong) == bool(facts.events)
