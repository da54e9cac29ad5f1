import pytest

from sedrepro.base.errors import DataError
from sedrepro.predictions.names import Names, bare_name

CLIP = "DCASE2019_task4/dataset/audio/validation/Y-abc_def123_30.000_40.000.wav"


@pytest.mark.parametrize(
    "written",
    [
        CLIP,
        "validation/Y-abc_def123_30.000_40.000.wav",
        "Y-abc_def123_30.000_40.000.wav",
        "Y-abc_def123_30.000_40.000",
        "-abc_def123_30.000_40.000.WAV",
        "-abc_def123_30_40.wav",
        "C:\\audio\\-abc_def123_30.0_40.flac",
    ],
)
def test_a_clip_is_found_however_it_is_written(written):
    assert Names([CLIP, "other.wav"]).find(written) == CLIP


def test_an_id_that_begins_with_y_keeps_it():
    assert bare_name("Yabcdefghij_0_10") == "Yabcdefghij_0.000_10.000"
    assert bare_name("YYabcdefghij_0_10.wav") == "Yabcdefghij_0.000_10.000"
    assert Names(["YYabcdefghij_0.000_10.000.wav"]).find("Yabcdefghij_0_10") is not None


def test_another_clip_is_not_found():
    assert Names([CLIP]).find("Y-abc_def123_31.000_41.000.wav") is None
    assert Names(["a.wav"]).find("b.wav") is None


def test_a_name_of_two_clips_is_refused_unless_it_is_whole():
    names = Names(["one/a.wav", "two/a.wav"])
    assert names.find("two/a.wav") == "two/a.wav"
    with pytest.raises(DataError, match=r"one/a\.wav or two/a\.wav"):
        names.find("a.wav")


def test_decimals_at_the_end_of_a_plain_name_are_no_ending():
    assert bare_name("street_0.5") == "street_0.5"
