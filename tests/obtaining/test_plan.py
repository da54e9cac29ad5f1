"""The plan says what will be downloaded, and from where a data set comes, without touching the network."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from sedrepro.config import Config
from sedrepro.data_sets import data_set_names
from sedrepro.errors import SettingsError
from sedrepro.obtaining import plan
from sedrepro.obtaining.plan import (
    archives_of,
    chosen_data_sets,
    disk_needs,
    files_of,
    free_space,
    has_labels,
    missing_bytes,
    origin_of,
    print_plan,
    unpacked_size,
)

# Three data sets: `whines` has its files from `barks` unless the official ones are asked for.
MODULES = {
    "barks": SimpleNamespace(ARCHIVES=("barks",), LABELS=("Barks/labels.csv",)),
    "growls": SimpleNamespace(
        ARCHIVES=("growls", "barks"), LABELS=("Growls/a.csv", "Growls/b.csv"), ONLY_ON_YOUTUBE=("weak", "unlabelled")
    ),
    "whines": SimpleNamespace(
        ARCHIVES=("whines",), SERVED_FROM="barks", label_tables=lambda root: (f"Whines/{root.name}.csv",)
    ),
}
BARKS = [
    {"file": "labels.csv", "bytes": "1000", "holds": "labels"},
    {"file": "audio.1.zip", "bytes": "1000000", "holds": "audio, part 1"},
    {"file": "audio.2.zip", "bytes": "~2000000", "holds": "audio, part 2", "confidence": "medium"},
    {"file": "doc.zip", "bytes": "77", "use": "extra"},
    {"file": "copy.zip", "use": "mirror"},
]
GROWLS = [{"data_set": "growls", "file": "growls.zip", "licence": "not to be passed on", "holds": "growls"}]
WHINES = [{"data_set": "whines", "file": "whines.zip", "bytes": "500"}]


@pytest.fixture(autouse=True)
def _three_data_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "data_set", MODULES.__getitem__)
    monkeypatch.setattr(plan, "data_set_names", lambda: sorted(MODULES))


@pytest.fixture
def config(listed: Callable[..., Path], configured: Callable[..., Config], tmp_path: Path) -> Config:
    listed(*BARKS, *GROWLS, *WHINES)
    (tmp_path / "corpora").mkdir()
    return configured()


def put(path: Path, content: bytes = b"") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def named(config: Config, *names: str, **more: object) -> list[str]:
    return [file.file for file in files_of(config, names, **more)]


# Where a data set comes from


def test_miniature_is_synthesised(config: Config):
    miniature = config.model_copy(update={"scale": "miniature"})
    put(config.corpora_dir / "Barks" / "labels.csv")
    assert [origin_of(miniature, name) for name in MODULES] == 3 * ["synthesised"]


def test_recordings_are_given(config: Config):
    recordings = config.model_copy(update={"scale": "recordings"})
    assert [origin_of(recordings, name) for name in MODULES] == 3 * ["given"]


def test_full_is_downloaded(config: Config):
    assert [origin_of(config, name) for name in MODULES] == 3 * ["downloaded"]


def test_the_users_own_copy_is_taken_as_it_is(config: Config):
    put(config.corpora_dir / "Barks" / "labels.csv")
    put(config.corpora_dir / "Growls" / "a.csv")
    put(config.corpora_dir / "Whines" / "corpora.csv")
    assert {name: origin_of(config, name) for name in MODULES} == {
        "barks": "given",
        "growls": "downloaded",  # one of its two tables is missing
        "whines": "given",
    }


def test_what_we_downloaded_ourselves_stays_downloaded(config: Config):
    put(config.corpora_dir / "Barks" / "labels.csv")
    put(config.archives_dir / "barks" / "labels.csv.json", b"{}")
    assert origin_of(config, "barks") == "downloaded"


def test_our_receipts_of_the_serving_data_set_count(config: Config):
    put(config.corpora_dir / "Whines" / "corpora.csv")
    put(config.archives_dir / "barks" / "labels.csv.json", b"{}")
    assert origin_of(config, "whines") == "downloaded"
    assert origin_of(config.model_copy(update={"scenes_2018": "official"}), "whines") == "given"


def test_has_labels(config: Config):
    assert not has_labels(config.corpora_dir, "growls")
    put(config.corpora_dir / "Growls" / "a.csv")
    assert not has_labels(config.corpora_dir, "growls")
    put(config.corpora_dir / "Growls" / "b.csv")
    assert has_labels(config.corpora_dir, "growls")


def test_chosen_data_sets(config: Config):
    def chosen(scale: str, *names: str) -> list[str]:
        return chosen_data_sets(config.model_copy(update={"scale": scale, "data_sets": names}))

    put(config.corpora_dir / "Growls" / "a.csv")
    put(config.corpora_dir / "Growls" / "b.csv")
    assert chosen("full", "whines", "barks") == ["whines", "barks"]
    assert chosen("full") == chosen("miniature") == sorted(MODULES)
    assert chosen("recordings") == ["growls"]


def test_unknown_data_set(config: Config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    with pytest.raises(SettingsError, match="did you mean 'fsdkaggle2018'"):
        chosen_data_sets(config.model_copy(update={"data_sets": ("fsdkagle2018",)}))


def test_every_data_set_of_the_suite_has_an_origin(configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    config = configured(manifest=None)
    for name in data_set_names():
        assert origin_of(config, name) == "downloaded"
        assert files_of(config, [name]), name


# Files and sizes


def test_each_file_once(config: Config):
    assert named(config, "barks") == named(config, "whines") == ["labels.csv", "audio.1.zip", "audio.2.zip"]
    assert named(config, "whines", "barks", "growls") == ["labels.csv", "audio.1.zip", "audio.2.zip", "growls.zip"]
    assert named(config, "barks", uses=("extra", "mirror")) == ["doc.zip", "copy.zip"]
    official = config.model_copy(update={"scenes_2018": "official"})
    assert named(official, "whines") == ["whines.zip"]
    assert archives_of(config, "whines") == ("barks",)
    assert named(config) == []


def test_unpacked_audio_takes_more(config: Config):
    assert unpacked_size(files_of(config, ["barks"])) == 1000 + round(1.4 * 3_000_000)
    assert unpacked_size(files_of(config, ["growls"])) == 1000 + round(1.4 * 3_000_000), "an unknown size is nothing"


def test_missing_bytes(config: Config):
    files, folder = files_of(config, ["barks", "growls"]), config.archives_dir / "barks"
    assert missing_bytes(config, files) == 3_001_000
    put(folder / "audio.1.zip.part", bytes(400_000))
    assert missing_bytes(config, files) == 2_601_000
    put(folder / "audio.2.zip", bytes(2_100_000))  # roughly known: larger than said
    assert missing_bytes(config, files) == 601_000
    put(folder / "audio.1.zip.json", b"{}")  # obtained, and the archive was not kept
    assert missing_bytes(config, files) == 1000


def test_free_space_where_the_folder_does_not_exist_yet(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = []
    usage = SimpleNamespace(free=890)
    monkeypatch.setattr(plan.shutil, "disk_usage", lambda folder: asked.append(folder) or usage)
    assert free_space(config.archives_dir) == 890
    assert asked == [config.corpora_dir]
    monkeypatch.chdir(tmp_path)
    free_space(Path("none") / "there")
    assert asked[1] == tmp_path


def test_disks_are_counted_apart(config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    files = files_of(config, ["barks"])
    assert disk_needs(config, files) == [([config.archives_dir, config.corpora_dir], 3_001_000 + 4_201_000)]
    other = tmp_path / "other disk"
    other.mkdir()
    devices = {other: SimpleNamespace(st_dev=1), config.corpora_dir: SimpleNamespace(st_dev=2)}
    monkeypatch.setattr(plan, "_existing", lambda folder: SimpleNamespace(stat=lambda: devices[folder]))
    apart = config.model_copy(update={"archives": other})
    assert disk_needs(apart, files) == [([other], 3_001_000), ([config.corpora_dir], 4_201_000)]


def test_archives_that_are_not_kept_need_room_three_at_a_time(config: Config):
    row = next(file for file in files_of(config, ["barks"]) if file.file == "audio.1.zip")
    files = [replace(row, file=f"audio.{n}.zip", bytes=n * 1000) for n in range(1, 6)]
    ((_, kept),) = disk_needs(config, files)
    ((_, not_kept),) = disk_needs(config.model_copy(update={"keep_archives": False}), files)
    assert kept - not_kept == 1000 + 2000


# What is printed


@pytest.fixture
def printed(config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., list[str]]:
    """The lines of a plan."""

    def lines(*names: str, free: int = 10**12, **changes: object) -> list[str]:
        monkeypatch.setattr(plan, "free_space", lambda _: free)
        print_plan(config.model_copy(update=changes), names)
        return capsys.readouterr().out.splitlines()

    return lines


def test_a_plan(printed: Callable[..., list[str]], config: Config):
    assert printed("barks", "growls", "whines") == [
        "barks (also for growls, whines)",
        "  labels.csv           1.00kB  labels",
        "  audio.1.zip          1.00MB  audio, part 1",
        "  audio.2.zip    about 2.00MB  audio, part 2 [medium confidence in the address]",
        "  terms: CC0",
        "growls",
        "  growls.zip    size unknown  growls",
        "  terms: not to be passed on",
        "4 of 4 files to download: 3.00MB and 1 of unknown size",
        f"about 7.20MB needed for {config.archives_dir} and {config.corpora_dir}: 1.00TB free",
        "growls: the audio of weak, unlabelled lies in no official archive, only on YouTube; it is never downloaded by "
        "itself. See `python -m sedrepro clips --help`; clips that are missing are counted.",
    ]


def test_what_is_in_place_is_not_counted(printed: Callable[..., list[str]], config: Config):
    put(config.archives_dir / "barks" / "audio.1.zip.json", b"{}")
    lines = printed("barks")
    assert "  audio.1.zip        in place  audio, part 1" in lines
    assert lines[-2] == "2 of 3 files to download: 2.00MB"
    assert lines[-1].startswith("about 4.80MB needed for ")


def test_everything_in_place(printed: Callable[..., list[str]], config: Config):
    for row in BARKS:
        put(config.archives_dir / "barks" / f"{row['file']}.json", b"{}")
    assert printed("barks", free=0)[-1] == "0 of 3 files to download: 0.00B"


def test_a_disk_that_is_too_small(printed: Callable[..., list[str]]):
    need = 3_001_000 + 4_201_000
    assert printed("barks", free=need - 1)[-1].endswith(": 7.20MB free, NOT ENOUGH")
    assert printed("barks", free=need)[-1].endswith(": 7.20MB free")


def test_a_mirror_is_named(printed: Callable[..., list[str]]):
    assert printed("barks", mirror="https://mirror.example/dcase")[-1] == "from the mirror https://mirror.example/dcase"


def test_what_needs_no_download(printed: Callable[..., list[str]], config: Config):
    put(config.corpora_dir / "Barks" / "labels.csv")
    taken = f"barks: taken as it lies in {config.corpora_dir}, nothing to download"
    absent = f"growls: not in {config.corpora_dir}, and at this scale nothing is downloaded"
    assert printed("barks") == [taken]
    assert printed("barks", "growls", scale="recordings") == [taken, absent]
    assert printed("growls", scale="miniature") == ["growls: synthesised at this scale, nothing to download"]


def test_planning_writes_nothing(printed: Callable[..., list[str]], config: Config, tmp_path: Path):
    before = sorted(tmp_path.rglob("*"))
    printed(*MODULES)
    assert sorted(tmp_path.rglob("*")) == before
