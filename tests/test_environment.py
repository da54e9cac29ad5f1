"""The environment's files agree with each other."""

import re
from importlib import metadata
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
ENVS = ROOT / "envs"


def pins(path):
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def test_conda_and_pip_install_the_same():
    dependencies = yaml.safe_load((ENVS / "sedrepro.yaml").read_text(encoding="utf-8"))["dependencies"]
    (pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    assert pip == [*pins(ENVS / "requirements.txt"), *pins(ENVS / "development.txt")]


def test_every_requirement_is_pinned_and_no_constraint_contradicts_one():
    required = [*pins(ENVS / "requirements.txt"), *pins(ENVS / "development.txt")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) or pin == "setuptools<81" for pin in required)
    constraints = dict(pin.split("==") for pin in pins(ENVS / "constraints.txt"))
    for name, equals, version in (pin.partition("==") for pin in required):
        assert not equals or constraints.get(name, version) == version


def test_what_is_installed_with_the_package_are_the_pinned_requirements():
    declared = [line for line in metadata.requires("sedrepro") or [] if "extra ==" not in line]
    assert {line.split(";")[0].strip() for line in declared} == set(pins(ENVS / "requirements.txt"))
