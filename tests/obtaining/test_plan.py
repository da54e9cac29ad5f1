"""The plan says what will be downloaded, and from where a data set comes, without touching the network."""

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from sedrepro.annotations.clips import Clip
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.data_sets import (
    TRAITS,
    data_set_names,
    dcase2018_task4,
    dcase2019_task4,
    tau_urban_2019,
    tut_urban_2018,
)
from sedrepro.experiments.configuration import Config
from sedrepro.obtaining import plan
from sedrepro.obtaining.plan import (
    absent_data_sets,
    archive_of,
    available_data_sets,
    check_plan,
    chosen_data_sets,
    disk_needs,
    files_of,
    label_tables,
    missing_bytes,
    missing_labels,
    origin_of,
    print_plan,
    unpacked_size,
)

# Four data sets: `yelps` lies in the archive of `barks`; `whines` is served from it unless the official one is wanted.
MODULES = {
    "barks": SimpleNamespace(ARCHIVE="barks", LABELS=("Barks/labels.csv",)),
    "growls": SimpleNamespace(
        ARCHIVE="growls", LABELS=("Growls/a.csv", "Growls/b.csv"), ONLY_ON_YOUTUBE=("weak", "unlabelled")
    ),
    "whines": SimpleNamespace(
        ARCHIVE="whines",
        SERVED_FROM="barks",
        LABELS=("Whines/labels.csv",),
        label_tables=lambda root: (f"Whines/{root.name}.csv",),
    ),
    "yelps": SimpleNamespace(ARCHIVE="barks", LABELS=("Barks/yelps.csv",)),
}
BARKS = [
    {"file": "labels.csv", "bytes": "1000", "holds": "labels"},
    {"file": "audio.1.zip", "bytes": "1000000", "holds": "audio, part 1", "kept": "audio"},
    {"file": "audio.2.zip", "bytes": "~2000000", "holds": "audio, part 2", "confidence": "medium", "kept": "audio"},
    {"file": "doc.zip", "bytes": "77", "use": "extra"},
    {"file": "copy.zip", "use": "mirror"},
]
GROWLS = [
    {
        **{"data_set": "growls", "file": "growls.zip", "into": "Growls", "kept": "audio"},
        **{"licence": "not to be passed on", "holds": "growls"},
    }
]
WHINES = [{"data_set": "whines", "file": "whines.zip", "bytes": "500", "into": "Whines", "kept": "audio"}]


@pytest.fixture
def config(
    listed: Callable[..., Path], configured: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Config:
    """A project with the four data sets and an empty data root."""
    monkeypatch.setattr(plan, "data_set", MODULES.__getitem__)
    monkeypatch.setattr(plan, "data_set_names", lambda: sorted(MODULES))
    monkeypatch.setattr(plan, "trait", lambda name, which: getattr(MODULES[name], which, TRAITS[which]))
    listed(*BARKS, *GROWLS, *WHINES)
    (tmp_path / "corpora").mkdir()
    return configured()


@pytest.fixture
def official(configured: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    """A project with the real data sets and manifest, and an empty data root."""
    (tmp_path / "corpora").mkdir()
    return lambda **changes: configured(manifest=None, **changes)


def put(path: Path, content: bytes = b"") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def named(config: Config, *names: str) -> list[str]:
    return [file.file for file in files_of(config, names)]


def origins(config: Config) -> dict[str, str]:
    return {name: origin_of(config, name) for name in MODULES}


# What cannot be had


def clips_of_growls(root: Path) -> list[Clip]:
    return [Clip(f"Growls/audio/{split}/a.wav", split, "a") for split in ("weak", "unlabelled", "public")]


def test_what_is_not_in_the_data_root_is_absent_where_it_must_be_there(config: Config):
    assert absent_data_sets(config, ["barks", "whines"]) == {}  # at full they are downloaded
    recordings = config.model_copy(update={"scale": "recordings"})
    put(config.corpora_dir / "Barks" / "labels.csv")
    assert absent_data_sets(recordings, ["barks", "growls"]) == {
        "growls": f"{config.corpora_dir} lacks Growls/a.csv and 1 more"
    }
    assert absent_data_sets(config.model_copy(update={"scale": "miniature"}), MODULES) == {}


def test_what_lies_on_youtube_is_absent_until_a_clip_of_each_split_is_there(config: Config, monkeypatch):
    monkeypatch.setattr(MODULES["growls"], "clips", clips_of_growls, raising=False)
    message = "no clip of {} is in {}, and they exist only on YouTube; see `python -m sedrepro clips --help`"
    assert absent_data_sets(config, ["growls"]) == {"growls": message.format("weak, unlabelled", config.corpora_dir)}
    for table in MODULES["growls"].LABELS:
        put(config.corpora_dir / table)
    put(config.corpora_dir / "Growls/audio/public/a.wav")
    put(config.corpora_dir / "Growls/audio/weak/a.wav")
    assert absent_data_sets(config, ["growls"]) == {"growls": message.format("unlabelled", config.corpora_dir)}
    put(config.corpora_dir / "Growls/audio/unlabelled/a.wav")
    assert absent_data_sets(config, ["growls"]) == {}


def test_what_the_configuration_does_without_is_absent_and_has_its_own_reason_first(config: Config):
    without = config.model_copy(update={"scale": "recordings", "without": ("barks", "growls")})
    put(config.corpora_dir / "Barks" / "labels.csv")
    found = absent_data_sets(without, ["barks", "growls"])
    assert found["barks"] == "excluded by the configuration"
    assert "lacks Growls/a.csv" in found["growls"]


# Where a data set comes from


def test_miniature_is_synthesised(config: Config):
    miniature = config.model_copy(update={"scale": "miniature"})
    put(config.corpora_dir / "Barks" / "labels.csv")
    assert set(origins(miniature).values()) == {"synthesised"}


def test_recordings_are_given(config: Config):
    assert set(origins(config.model_copy(update={"scale": "recordings"})).values()) == {"given"}


def test_full_is_downloaded(config: Config):
    assert set(origins(config).values()) == {"downloaded"}


@pytest.mark.parametrize("there", ["Growls/b.csv", "Growls/audio/growl.wav"])
def test_the_users_own_copy_is_taken_as_it_is(config: Config, there: str):
    """Even an incomplete one: nothing is downloaded into it."""
    put(config.corpora_dir / there)
    assert origins(config) == {"barks": "downloaded", "growls": "given", "whines": "downloaded", "yelps": "downloaded"}


@pytest.mark.parametrize("there", ["Barks/labels.csv", "Barks/yelps.csv", "Barks/audio/bark.wav"])
def test_data_sets_of_one_archive_are_alike(config: Config, there: str):
    put(config.corpora_dir / there)
    assert origins(config) == {"barks": "given", "growls": "downloaded", "whines": "given", "yelps": "given"}


def test_a_copy_of_the_data_set_that_is_served_from_another_is_no_copy_of_the_other(config: Config):
    put(config.corpora_dir / "Whines" / "corpora.csv")
    assert origins(config) == {"barks": "downloaded", "growls": "downloaded", "whines": "given", "yelps": "downloaded"}


def test_what_we_obtained_ourselves_stays_downloaded(config: Config):
    put(config.corpora_dir / "Barks" / "labels.csv")
    (config.receipts_dir / "barks").mkdir(parents=True)
    assert set(origins(config).values()) == {"downloaded"}


def test_the_archive_decides_what_counts_as_ours(config: Config):
    put(config.corpora_dir / "Whines" / "corpora.csv")
    put(config.corpora_dir / "Whines" / "labels.csv")
    (config.receipts_dir / "barks").mkdir(parents=True)
    assert origin_of(config, "whines") == "downloaded"
    assert origin_of(config.model_copy(update={"scenes_2018": "official"}), "whines") == "given"


def test_archives_that_lie_there_are_no_copy(config: Config):
    for row in BARKS:
        put(config.archives_dir / "barks" / row["file"])
    assert origin_of(config, "barks") == "downloaded"


def test_where_label_tables_lie(config: Config):
    official = config.model_copy(update={"scenes_2018": "official"})
    assert label_tables(config, "growls") == ("Growls/a.csv", "Growls/b.csv")
    assert label_tables(config, "whines") == ("Whines/corpora.csv",)
    assert label_tables(official, "whines") == ("Whines/labels.csv",)
    assert label_tables(official.model_copy(update={"scale": "miniature"}), "whines") == ("Whines/corpora.csv",)


def test_which_label_tables_are_missing(config: Config):
    assert missing_labels(config, "growls") == ["Growls/a.csv", "Growls/b.csv"]
    put(config.corpora_dir / "Growls" / "a.csv")
    assert missing_labels(config, "growls") == ["Growls/b.csv"]
    put(config.corpora_dir / "Growls" / "b.csv")
    assert missing_labels(config, "growls") == []


def test_the_data_sets_that_are_named(config: Config):
    assert chosen_data_sets(config.model_copy(update={"data_sets": ("whines", "barks")})) == ["whines", "barks"]


@pytest.mark.parametrize("names", [(), ("all",)])
def test_all_data_sets_that_can_be_had(config: Config, names: tuple[str, ...]):
    def chosen(scale: str) -> list[str]:
        return chosen_data_sets(config.model_copy(update={"scale": scale, "data_sets": names}))

    put(config.corpora_dir / "Growls" / "a.csv")
    assert chosen("full") == ["barks", "whines", "yelps"], "the own copy of growls is incomplete"
    put(config.corpora_dir / "Growls" / "b.csv")
    assert chosen("full") == chosen("miniature") == sorted(MODULES)
    assert chosen("recordings") == ["growls"]


def test_what_the_manifest_does_not_list_cannot_be_had(config: Config, listed: Callable[..., Path]):
    listed(*BARKS)
    assert available_data_sets(config) == ["barks", "whines", "yelps"]
    assert available_data_sets(config.model_copy(update={"scenes_2018": "official"})) == ["barks", "yelps"]
    with pytest.raises(SettingsError, match=f"^{config.manifest}: has no needed file of data set 'growls'; "):
        files_of(config, ["barks", "growls"])


def test_an_empty_data_root_of_recordings(official: Callable[..., Config]):
    config = official(scale="recordings")
    with pytest.raises(SettingsError, match=f"^data_root = {config.corpora_dir}: holds no data set of the suite ") as e:
        chosen_data_sets(config)
    assert "FSDKaggle2018/FSDKaggle2018.meta/train_post_competition.csv" in str(e.value)
    assert "\n" not in str(e.value)


def test_unknown_data_set(official: Callable[..., Config]):
    with pytest.raises(SettingsError, match="did you mean 'fsdkaggle2018'"):
        chosen_data_sets(official(data_sets=("fsdkagle2018",)))


# The official data sets


@pytest.mark.parametrize("scenes", ["from_2019", "official"])
def test_every_data_set_of_the_suite_has_an_origin(official: Callable[..., Config], scenes: str):
    config = official(scenes_2018=scenes)
    assert chosen_data_sets(config) == data_set_names()
    for name in data_set_names():
        assert origin_of(config, name) == "downloaded"
        assert files_of(config, [name]), name


def test_the_official_scenes_of_2018_after_those_of_2019_were_obtained(official: Callable[..., Config]):
    config = official()
    put(config.receipts_dir / "tau_urban_2019" / "x.zip.json", b"{}")
    put(config.corpora_dir / tau_urban_2019.LABELS[0])
    assert (archive_of(config, "tut_urban_2018"), origin_of(config, "tut_urban_2018")) == (
        "tau_urban_2019",
        "downloaded",
    )
    assert label_tables(config, "tut_urban_2018") == tau_urban_2019.LABELS
    assert missing_labels(config, "tut_urban_2018") == []
    wanted = official(scenes_2018="official")
    assert (archive_of(wanted, "tut_urban_2018"), origin_of(wanted, "tut_urban_2018")) == (
        "tut_urban_2018",
        "downloaded",
    )
    assert label_tables(wanted, "tut_urban_2018") == tut_urban_2018.LABELS
    assert missing_labels(wanted, "tut_urban_2018") == list(tut_urban_2018.LABELS)
    assert {file.data_set for file in files_of(wanted, ["tut_urban_2018"])} == {"tut_urban_2018"}
    assert origin_of(wanted, "tau_urban_2019") == "downloaded"


@pytest.mark.parametrize("ours", [True, False])
def test_the_scenes_of_2019_after_the_official_ones_of_2018(official: Callable[..., Config], ours: bool):
    """Those of 2018, obtained or the user's own, are no copy of those of 2019."""
    config = official()
    put(config.corpora_dir / tut_urban_2018.LABELS[0])
    if ours:
        put(config.receipts_dir / "tut_urban_2018" / "x.zip.json", b"{}")
    assert (origin_of(config, "tut_urban_2018"), missing_labels(config, "tut_urban_2018")) == ("given", [])
    assert origin_of(config, "tau_urban_2019") == "downloaded"
    later = official(scenes_2018="official")
    assert origin_of(later, "tut_urban_2018") == ("downloaded" if ours else "given")


def test_an_own_copy_that_lacks_a_table_of_another_data_set(
    official: Callable[..., Config], capsys: pytest.CaptureFixture
):
    config = official()
    for table in dcase2019_task4.LABELS:
        put(config.corpora_dir / table)
    names = ["dcase2018_task4", "dcase2019_task4", "desed_2020"]
    assert [origin_of(config, name) for name in names] == 3 * ["given"]
    assert [missing_labels(config, name) for name in names] == [list(dcase2018_task4.LABELS), [], []]
    assert set(data_set_names()) - set(chosen_data_sets(config)) == {"dcase2018_task4"}
    print_plan(config, names)
    root = config.corpora_dir
    assert capsys.readouterr().out.splitlines() == [
        f"dcase2018_task4: not in {root}, which lacks DCASE2019_task4/dataset/metadata/validation/eval_dcase2018.tsv",
        f"dcase2019_task4: used as found in {root}, nothing to download",
        f"desed_2020: used as found in {root}, nothing to download",
    ]


# Files and sizes


def test_each_file_once(config: Config):
    assert named(config, "barks") == named(config, "whines") == ["labels.csv", "audio.1.zip", "audio.2.zip"]
    assert named(config, "whines", "barks", "growls") == ["labels.csv", "audio.1.zip", "audio.2.zip", "growls.zip"]
    official = config.model_copy(update={"scenes_2018": "official"})
    assert named(official, "whines") == ["whines.zip"]
    assert (archive_of(config, "whines"), archive_of(official, "whines")) == ("barks", "whines")
    assert named(config) == []


def test_unpacked_audio_takes_more(config: Config):
    assert unpacked_size(files_of(config, ["barks"])) == 1000 + round(1.4 * 3_000_000)
    assert unpacked_size(files_of(config, ["growls"])) == 0, "an unknown size is nothing"


def test_missing_bytes(config: Config):
    files, folder = files_of(config, ["barks", "growls"]), config.archives_dir / "barks"
    assert missing_bytes(config, files) == 3_001_000
    put(folder / "audio.1.zip.part", bytes(400_000))
    assert missing_bytes(config, files) == 2_601_000
    put(folder / "audio.2.zip", bytes(2_100_000))  # roughly known: larger than said
    assert missing_bytes(config, files) == 601_000
    put(config.receipts_dir / "barks" / "audio.1.zip.json", b"{}")  # obtained, and the archive was not kept
    assert missing_bytes(config, files) == 1000


def test_disks_are_counted_apart(config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    files = files_of(config, ["barks"])
    assert disk_needs(config, files) == [([config.archives_dir, config.corpora_dir], 3_001_000 + 4_201_000)]
    other = tmp_path / "other disk"
    other.mkdir()
    devices = {other: SimpleNamespace(st_dev=1), config.corpora_dir: SimpleNamespace(st_dev=2)}
    monkeypatch.setattr(plan, "existing", lambda folder: SimpleNamespace(stat=lambda: devices[folder]))
    apart = config.model_copy(update={"archives": other})
    assert disk_needs(apart, files) == [([other], 3_001_000), ([config.corpora_dir], 4_201_000)]


def test_archives_that_are_not_kept_need_room_three_at_a_time(config: Config):
    row = next(file for file in files_of(config, ["barks"]) if file.file == "audio.1.zip")
    files = [replace(row, file=f"audio.{n}.zip", bytes=n * 1000) for n in range(1, 6)]
    ((_, kept),) = disk_needs(config, files)
    ((_, not_kept),) = disk_needs(config.model_copy(update={"keep_archives": False}), files)
    assert kept - not_kept == 1000 + 2000


def test_archives_of_a_mirror_folder_are_linked(config: Config, tmp_path: Path):
    files = files_of(config, ["barks"])
    ((_, need),) = disk_needs(config.model_copy(update={"mirror": str(tmp_path)}), files)
    assert need == 4_201_000
    ((_, need),) = disk_needs(config.model_copy(update={"mirror": "https://mirror.example"}), files)
    assert need == 3_001_000 + 4_201_000


# Whether it makes sense to begin


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that can be found; none at first."""
    hosts: list[str] = []

    def look_up(host: str, _: object) -> list:
        if host not in hosts:
            raise socket.gaierror
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return hosts


def test_a_disk_that_is_too_small_is_no_beginning(config: Config, monkeypatch: pytest.MonkeyPatch, network: list[str]):
    network.append("127.0.0.1")
    check_plan(config, ["barks"])
    monkeypatch.setattr(plan, "free_space", lambda _: 7_000_000)
    with pytest.raises(DataError, match=f"^{config.archives_dir}: about 7.20MB are needed and 7.00MB are free; "):
        check_plan(config, ["barks"])
    put(config.receipts_dir / "barks" / "audio.1.zip.json", b"{}")
    check_plan(config, ["barks"])


@pytest.mark.usefixtures("network")
def test_nor_is_being_without_network(config: Config, tmp_path: Path):
    with pytest.raises(DataError, match=r"^no network: none of 127\.0\.0\.1 can be found; "):
        check_plan(config, ["barks"])
    mirrored = config.model_copy(update={"mirror": "https://mirror.example/dcase"})
    with pytest.raises(DataError, match=r"none of mirror\.example can be found"):
        check_plan(mirrored, ["barks"])
    check_plan(config.model_copy(update={"mirror": str(tmp_path)}), ["barks"])
    check_plan(config.model_copy(update={"scale": "miniature"}), ["barks"])
    for row in BARKS:
        put(config.receipts_dir / "barks" / f"{row['file']}.json", b"{}")
    check_plan(config, ["barks"])


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
    assert printed("barks", "growls", "whines", "yelps") == [
        "barks (also for whines, yelps)",
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
    put(config.receipts_dir / "barks" / "audio.1.zip.json", b"{}")
    lines = printed("barks")
    assert "  audio.1.zip        in place  audio, part 1" in lines
    assert lines[-2] == "2 of 3 files to download: 2.00MB"
    assert lines[-1].startswith("about 4.80MB needed for ")


def test_in_place_in_one_data_root_is_not_in_place_in_another(
    printed: Callable[..., list[str]], config: Config, tmp_path: Path
):
    """Although they share their archives."""
    for row in BARKS:
        put(config.receipts_dir / "barks" / f"{row['file']}.json", b"{}")
        put(tmp_path / "archives" / "barks" / row["file"])
    other = {"archives": tmp_path / "archives", "data_root": tmp_path / "other"}
    assert not [line for line in printed("barks", **other) if "in place" in line]
    assert [line for line in printed("barks", archives=tmp_path / "archives") if "in place" in line]


def test_everything_in_place(printed: Callable[..., list[str]], config: Config):
    for row in BARKS:
        put(config.receipts_dir / "barks" / f"{row['file']}.json", b"{}")
    assert printed("barks", free=0)[-1] == "0 of 3 files to download: 0.00B"


def test_a_disk_that_is_too_small(printed: Callable[..., list[str]]):
    need = 3_001_000 + 4_201_000
    assert printed("barks", free=need - 1)[-1].endswith(": 7.20MB free, NOT ENOUGH")
    assert printed("barks", free=need)[-1].endswith(": 7.20MB free")


def test_a_mirror_is_named(printed: Callable[..., list[str]]):
    assert printed("barks", mirror="https://mirror.example/dcase")[-1] == "from the mirror https://mirror.example/dcase"


def test_what_needs_no_download(printed: Callable[..., list[str]], config: Config):
    put(config.corpora_dir / "Barks" / "labels.csv")
    taken = f"barks: used as found in {config.corpora_dir}, nothing to download"
    absent = f"growls: not in {config.corpora_dir}, which lacks Growls/a.csv, Growls/b.csv"
    assert printed("barks") == [taken]
    assert printed("barks", "growls", scale="recordings") == [taken, absent]
    assert printed("growls", scale="miniature") == ["growls: synthesised at this scale, nothing to download"]


def test_planning_writes_nothing(printed: Callable[..., list[str]], config: Config, tmp_path: Path):
    before = sorted(tmp_path.rglob("*"))
    printed(*MODULES)
    assert sorted(tmp_path.rglob("*")) == before
