"""The scenes of the remix, in the order of the official table."""

from pathlib import Path

import pytest

from sedrepro.base.errors import DataError
from sedrepro.data_sets.tau_urban_2019 import FOLDER, LABELS, clips


def with_table(root: Path, text: str) -> Path:
    (root / LABELS[0]).parent.mkdir(parents=True)
    (root / LABELS[0]).write_text(text, encoding="utf-8")
    return root


def test_scenes_keep_the_order_of_the_table(tmp_path: Path):
    names = [f"audio/{name}.wav" for name in ("tram-vienna-7", "airport-paris-0", "bus-lyon-3", "airport-paris-1")]
    rows = "".join(f"{name}\t{name[6:].split('-')[0]}\t{name[6:-4].split('-', 1)[1]}\ta\n" for name in names)
    found = clips(with_table(tmp_path, "filename\tscene_label\tidentifier\tsource_label\n" + rows))
    assert [(c.filename, *c.labels, c.group) for c in found] == [
        (f"{FOLDER}/audio/tram-vienna-7.wav", "tram", "vienna-7"),
        (f"{FOLDER}/audio/airport-paris-0.wav", "airport", "paris-0"),
        (f"{FOLDER}/audio/bus-lyon-3.wav", "bus", "lyon-3"),
        (f"{FOLDER}/audio/airport-paris-1.wav", "airport", "paris-1"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename\tscene_label\na.wav\tbus\n", "column 'identifier' is missing"),
        ("filename,scene_label,identifier\na.wav,bus,lyon-3\n", "column 'filename' is missing"),
        ("filename\tscene_label\tidentifier\na.wav\tbus\n", "row 2 has too few fields"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, text: str, message: str):
    with pytest.raises(DataError, match=rf"meta\.csv: {message}"):
        clips(with_table(tmp_path, text))


def test_a_missing_table_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"meta\.csv: no such file"):
        clips(tmp_path)
