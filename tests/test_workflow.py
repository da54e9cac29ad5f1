"""Names of folders mean what they say, though Snakemake would read some of them otherwise."""

import subprocess
from pathlib import Path

import pytest
from project import Project
from snakemake.utils import format as snakemake_format

from sedrepro.base.errors import SettingsError
from sedrepro.workflow import configured, job_prefix

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("key", ["data_root", "work_dir", "results_dir"])
@pytest.mark.parametrize("is_absolute", [True, False])
def test_a_folder_with_braces_is_reached_by_a_link_without(tmp_path: Path, monkeypatch, key: str, is_absolute: bool):
    monkeypatch.chdir(tmp_path)
    folder = Path("of {paper}", "{a}")
    folder.mkdir(parents=True)
    given = {"scale": "recordings", "data_root": str(tmp_path), key: str(folder.absolute() if is_absolute else folder)}
    link = getattr(configured(given, ROOT), key)
    assert not {"{", "}"}.intersection(str(link))
    assert link.samefile(folder)
    assert getattr(configured(given, ROOT), key) == link  # again: the link is there, and the path the same
    assert getattr(configured(given | {key: str(tmp_path)}, ROOT), key) == tmp_path


def test_a_checkout_below_such_a_folder_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "{a}").symlink_to(ROOT)
    with pytest.raises(SettingsError, match=r"\{a\}: .*braces"):
        configured({}, tmp_path / "{a}")


def test_the_prefix_of_jobs_takes_paths_as_they_stand():
    project, file = Path("/tmp/it's {a} $HOME"), Path("/tmp/{b}.yaml")
    prefix = snakemake_format(job_prefix(project, {"SEDREPRO_CONFIG": file}))
    command = ["bash", "-c", prefix + 'echo "$PYTHONPATH"; echo "$SEDREPRO_CONFIG"']
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert found[0].startswith(f"{project}/src:")
    assert found[1] == str(file)


def test_a_plan_with_braces_in_its_folders(tmp_path: Path):
    config = "papers=hierarchical_pooling work_dir=w{w} results_dir=r{r}/{paper}"
    project = Project(tmp_path, ["hierarchical_pooling"], config)
    assert project.planned()["survey"] == 1
    tops = {Path(*Path(name).parts[:3]) for name in project.outputs()}
    assert tops == {Path("data/links") / link.name for link in (tmp_path / "data" / "links").iterdir()}
