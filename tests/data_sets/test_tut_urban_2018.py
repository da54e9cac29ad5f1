"""The 2018 scenes, from their own set or from that of 2019."""

from pathlib import Path

import pytest

from sedrepro.annotations.clips import Clip
from sedrepro.base.errors import DataError
from sedrepro.data_sets.tut_urban_2018 import CITIES_ADDED_IN_2019, FOLDER, FOLDER_OF_2019, LABELS, clips, label_tables

HEADER = "filename\tscene_label\tidentifier\tsource_label\n"
OF_2018 = "audio/tram-vienna-7-0-a.wav\ttram\tvienna-7\ta\naudio/airport-paris-1-2-a.wav\tairport\tparis-1\ta\n"
OF_2019 = (
    "audio/bus-lyon-3-0-a.wav\tbus\tlyon-3\ta\n"
    + OF_2018
    + "audio/bus-milan-3-1-a.wav\tbus\tmilan-3\ta\naudio/bus-prague-3-1-a.wav\tbus\tprague-3\ta\n"
)


def laid_out(root: Path, folder: str, rows: str) -> Path:
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / "meta.csv").write_text(HEADER + rows, encoding="utf-8")
    return root


def scenes_in(folder: str) -> list[Clip]:
    return [
        Clip(f"{folder}/audio/tram-vienna-7-0-a.wav", "development", "vienna-7", labels=("tram",)),
        Clip(f"{folder}/audio/airport-paris-1-2-a.wav", "development", "paris-1", labels=("airport",)),
    ]


def test_its_own_set_goes_before_that_of_2019(tmp_path: Path):
    laid_out(tmp_path, FOLDER, OF_2018)
    laid_out(tmp_path, FOLDER_OF_2019, OF_2019)
    assert label_tables(tmp_path) == LABELS
    assert clips(tmp_path) == scenes_in(FOLDER)


def test_the_set_of_2019_serves_the_six_cities(tmp_path: Path):
    laid_out(tmp_path, FOLDER_OF_2019, OF_2019)
    assert label_tables(tmp_path) == (f"{FOLDER_OF_2019}/meta.csv",)
    assert clips(tmp_path) == scenes_in(FOLDER_OF_2019)


def test_of_ten_cities_six_stay_and_so_do_places_of_ones_own(tmp_path: Path):
    stay = ("barcelona", "helsinki", "london", "nowhere", "paris", "stockholm", "vienna")
    places = [f"{city}-{i}" for i in range(3) for city in (*CITIES_ADDED_IN_2019, *stay)]
    rows = "".join(f"audio/bus-{place}-0-a.wav\tbus\t{place}\ta\n" for place in places)
    found = clips(laid_out(tmp_path, FOLDER_OF_2019, rows))
    assert [clip.group for clip in found] == [place for place in places if place.partition("-")[0] in stay]


@pytest.mark.parametrize("folder", [FOLDER, FOLDER_OF_2019])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "lists no clip"),
        ("audio/a.wav\tbus\n", "row 2 has too few fields"),
        (OF_2018 + OF_2018, r"row 4: audio/tram-vienna-7-0-a\.wav is listed twice"),
        ("audio/a.wav\tbus\tlyon-3\ta\n", "has only scenes of lisbon, lyon, milan, prague"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, folder: str, rows: str, message: str):
    with pytest.raises(DataError, match=rf"{folder}/meta\.csv: {message}"):
        clips(laid_out(tmp_path, folder, rows))


def test_missing_sets_are_named(tmp_path: Path):
    with pytest.raises(DataError, match=rf"{FOLDER}: no such folder, nor {FOLDER_OF_2019}; obtain one of the two"):
        clips(tmp_path)
    (tmp_path / FOLDER).mkdir()
    with pytest.raises(DataError, match=rf"{FOLDER}/meta\.csv: no such file"):
        clips(tmp_path)
