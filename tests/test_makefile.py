"""The Makefile takes values as they stand, and works in any folder and on shared machines."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake.cli import parse_config

from sedrepro.experiments.configuration import make_config

ROOT = Path(__file__).parents[1]
AWKWARD = ["/data/set #2", "2023_11", "{a}", "it's $HOME", "a, b", "null", "x: y", 'say "so"', "1e3", "True", "*", "~"]
#: Stands for Python: makes an environment whose own python tells what it was asked for.
PYTHON = """#!/bin/bash
if [ "$1" = -m ] && [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
echo "$0|$PIP_USER|$HOME|$*" >> "$TOLD"
"""


def planned(goal: str, *words: str) -> list[str]:
    """Commands that make would run."""
    command = ["make", "--dry-run", "-o", ".venv/.ready", goal, *words]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()


def words_of(lines: list[str], program: str, option: str) -> list[str]:
    """The words that the shell hands to a program, from an option on."""
    line = next(line for line in lines if program in line)
    rest = line[line.index(option) :].partition(" 2>&1 |")[0]
    command = ["bash", "-c", f"printf '%s\\0' {rest}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")[:-1]


@pytest.mark.parametrize("value", AWKWARD)
@pytest.mark.parametrize(("variable", "key"), [("DATA_ROOT", "data_root"), ("MIRROR", "mirror")])
def test_values_are_taken_literally(variable: str, key: str, value: str):
    lines = planned("results", f"{variable}={value}")
    config = parse_config(words_of(lines, "snakemake --profile", "--config")[1:])
    assert config == {"scale": "miniature", key: value}
    assert f"{key}={value}" in words_of(lines, "sedrepro summary", "--scale")


def test_papers_may_be_given_with_commas_or_spaces():
    for papers in ("a,b", "a b", "a, b"):
        lines = planned("results", f"PAPER={papers}")
        assert parse_config(words_of(lines, "snakemake --profile", "--config")[1:])["papers"] == "a,b"
        assert words_of(lines, "snakemake --profile", "--profile")[4:6] == ["a", "b"]
        assert "papers=a,b" in words_of(lines, "sedrepro page", "--scale")


def test_any_configuration_key_can_be_given():
    lines = planned("results", "CONFIG=device=cpu seeds=1,2")
    config = parse_config(words_of(lines, "snakemake --profile", "--config")[1:])
    assert config == {"scale": "miniature", "device": "cpu", "seeds": "1,2"}


def test_settings_of_papers_can_be_given_beside_keys():
    lines = planned("results", "CONFIG=c_ssed.training.epochs=3 device=cpu c_ssed.networks.crnn.filters=[4,4]")
    config = parse_config(words_of(lines, "snakemake --profile", "--config")[1:])
    assert make_config(config | {"folds": [1], "seeds": [1]}, "a file").set == {
        "c_ssed": {"training.epochs": 3, "networks.crnn.filters": [4, 4]}
    }
    assert config["device"] == "cpu"
    assert "c_ssed.training.epochs=3" in words_of(lines, "sedrepro summary", "--scale")


def test_the_plan_is_of_the_targets_that_are_named():
    table = "results/miniature/c_ssed/tables/table2.csv"
    told = " ".join(planned("plan", f"TARGET={table}"))
    assert f"--target {table}" in told[told.index("sedrepro forecast") : told.index("snakemake")]
    assert not any("--target" in line for line in planned("plan", "PAPER=c_ssed"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make setup` needs, in a folder with a space, and a Python that only tells."""
    folder = tmp_path / "my check out"
    shutil.copytree(ROOT / "envs", folder / "envs")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / "python").write_text(PYTHON)
    (folder / "python").chmod(0o755)
    return folder


def told(checkout: Path, **environment: str) -> list[list[str]]:
    """Program, PIP_USER, HOME and words of each call of Python by `make setup`."""
    log = checkout / "told"
    given = {"PATH": os.environ["PATH"], "HOME": str(checkout), "TOLD": str(log)} | environment
    subprocess.run(["make", "setup", "PYTHON=./python"], cwd=checkout, env=given, check=True, capture_output=True)
    assert (checkout / ".venv" / ".ready").is_file()
    return [line.split("|") for line in log.read_text().splitlines()]


def test_a_path_with_spaces_holds_an_environment(checkout: Path):
    programs = [call[0] for call in told(checkout)]
    assert programs == ["./python", "./python", *[f"{checkout}/.venv/bin/python"] * 3]


def test_pip_installs_into_the_environment_whatever_its_configuration_says(checkout: Path):
    assert {call[1] for call in told(checkout, PIP_USER="1")} == {"0"}


def test_a_home_that_cannot_be_written_is_replaced(checkout: Path):
    assert {call[2] for call in told(checkout)} == {str(checkout)}
    (checkout / ".venv" / ".ready").unlink()
    (checkout / "told").unlink()
    assert {call[2] for call in told(checkout, HOME="/nonexistent/home")} == {f"{checkout}/.home"}


def test_of_one_target_only_its_table_is_printed():
    target = "results/miniature/c_ssed/tables/table2.csv"
    lines = planned("results", f"TARGET={target}")
    assert words_of(lines, "sedrepro summary", "--target") == ["--target", target]
    assert not any("--target" in line for line in planned("results", "PAPER=c_ssed"))


def test_targets_may_come_a_line_each():
    names = [f"results/miniature/c_ssed/tables/table{number}.csv" for number in (2, 3)]
    lines = planned("results", "TARGET=" + "\n".join(names), "CONFIG=seeds=1")
    assert words_of(lines, "sedrepro summary", "--target") == ["--target", *names]
    assert all("seeds=1" in line for line in lines if names[0] in line)


#: Stands for Snakemake: says that a job began, or that the configuration is wrong, and fails.
SNAKEMAKE = """#!/bin/bash
mkdir -p .snakemake
echo "$SAYS"; exit "$STATUS"
"""
#: Stands for the environment's Python: shows Snakemake's output as the real one does, else tells what it was asked for.
SHOWS = """#!/bin/bash
if [ "$1" = workflow/progress.py ]; then exec {python} "$@"; fi
echo "asked for $3"
"""


@pytest.mark.parametrize(
    ("says", "status", "shown", "ends"),
    [
        ("Job 1: Drawing a", 0, ["summary", "page"], 0),
        ("Job 1: Drawing a", 1, ["summary", "page"], 2),
        ("WorkflowError: a key is unknown", 1, [], 2),
        ("Nothing to be done (all requested files are present).", 0, ["summary", "page"], 0),
    ],
)
def test_what_is_there_is_shown_though_jobs_failed(checkout: Path, says: str, status: int, shown: list, ends: int):
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, text in (("snakemake", SNAKEMAKE), ("python", SHOWS.format(python=sys.executable))):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (checkout / ".venv" / ".ready").touch()
    (checkout / "workflow").mkdir()
    shutil.copy(ROOT / "workflow" / "progress.py", checkout / "workflow")
    given = os.environ | {"SAYS": says, "STATUS": str(status)}
    for _ in range(2):  # that a command failed does not concern the next one
        done = subprocess.run(["make", "results"], cwd=checkout, env=given, capture_output=True, text=True)
        lines = done.stdout.splitlines()
        assert [line.removeprefix("asked for ") for line in lines if line.startswith("asked for ")] == shown
        assert done.returncode == ends
        assert ("error: jobs failed" in done.stdout) == (bool(shown) and status != 0)
