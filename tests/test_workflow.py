"""Names of folders that Snakemake would read otherwise are refused, in words that help."""

from pathlib import Path

import pytest

from sedrepro.base.errors import SettingsError
from sedrepro.workflow import configured

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("key", ["data_root", "work_dir", "results_dir"])
def test_folders_whose_braces_snakemake_would_take_for_wildcards_are_refused(tmp_path: Path, key: str):
    (tmp_path / "{a}").mkdir()
    with pytest.raises(SettingsError, match=rf"{key} = .*braces.*symbolic link"):
        configured({"scale": "recordings", "data_root": str(tmp_path), key: str(tmp_path / "{a}")}, ROOT)
    (tmp_path / "link").symlink_to(tmp_path / "{a}")
    configured({"scale": "recordings", "data_root": str(tmp_path), key: str(tmp_path / "link")}, ROOT)
