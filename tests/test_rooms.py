"""The layout: data flows downwards, from no room to one above it, and no two files import each other in a circle."""

import ast
from pathlib import Path

import pytest

import sedrepro
from sedrepro.base.code import closure, imported, module_file

PACKAGE = Path(sedrepro.__file__).parent
#: From the ground up. What a room imports lies below it; modules of the package itself stand on the roof.
ROOMS = [
    *("base", "annotations", "audio", "nn", "detection", "evaluation", "data_sets", "miniature", "corpora", "training"),
    *("experiments", "obtaining", "published", "predictions", "reporting", "inference", "papers", "steps"),
]
ROOF = ("workflow", "cli", "job_server", "job_client", "__main__")
#: What training may not bring along, on machines that only train.
HEAVY = {"librosa", "sed_eval", "dcase_util", "snakemake", "matplotlib", "pandas", "soundfile"}


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def dependencies(file: Path) -> list[Path]:
    """Files of the suite that a file imports, without the packages that these lie in."""
    found = (module_file(name) for name in imported(file))
    return [other for other in found if other is not None and other.name != "__init__.py"]


def test_every_folder_is_a_room():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert folders == set(ROOMS)


@pytest.mark.parametrize("name", [*ROOMS, *ROOF])
def test_nothing_is_imported_from_a_room_above(name):
    floors = {each: floor for floor, each in enumerate([*ROOMS, *ROOF])}
    upwards = [
        f"{file.relative_to(PACKAGE)} -> {other.relative_to(PACKAGE)}"
        for file in files()
        if room(file) == name
        for other in dependencies(file)
        if floors.get(room(other), -1) > floors[name]
    ]
    assert not upwards


def test_no_circle_of_files():
    graph = {file: set(dependencies(file)) for file in files()}
    while leaves := [file for file, needed in graph.items() if not needed & graph.keys()]:
        for leaf in leaves:
            del graph[leaf]
    assert not [str(file.relative_to(PACKAGE)) for file in graph]


def test_types_that_are_imported_for_checking_only_make_no_circle_of_rooms_either():
    """A room may know the types of one above it (a step's paper and configuration), but base knows none."""
    for file in (PACKAGE / "base").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sedrepro."):
                assert node.module.startswith("sedrepro.base"), file


@pytest.mark.parametrize("kind", ["supervised", "mean_teacher", "confidence", "retraining", "guided"])
def test_training_needs_nothing_that_a_training_machine_lacks(kind):
    brought = {
        name.split(".")[0]
        for file in closure(["sedrepro.steps.train", f"sedrepro.training.{kind}", "sedrepro.papers.c_ssed.network"])
        for name in _others(file)
    }
    assert not brought & HEAVY


def _others(file: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names
