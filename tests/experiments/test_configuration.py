import re
from pathlib import Path

import pytest
import yaml

from sedrepro.base.errors import SettingsError
from sedrepro.experiments import configuration as module
from sedrepro.experiments.configuration import (
    LITERAL,
    SCALES,
    Config,
    budget_of,
    load_config,
    make_config,
    parse_assignments,
    read_yaml,
    scale_file,
)
from sedrepro.steps.schema import schema_text

ROOT = Path(__file__).parents[2]
GIVEN = {"scale": "miniature", "folds": [1], "seeds": [1]}


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


def refused(call, *arguments, **named) -> str:
    """The message of the error that a call ends with; it must be one line."""
    with pytest.raises(SettingsError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_scale_has_its_file_and_no_other_file_exists():
    assert {path.stem for path in (ROOT / "config").glob("*.yaml")} == set(SCALES)


@pytest.mark.parametrize("scale", SCALES)
def test_shipped_configurations_load(scale, tmp_path):
    config = load_config(scale, changes={"data_root": tmp_path})
    assert config.scale == scale
    assert config.corpora_dir == (Path("data/rehearsal/corpora") if scale == "rehearsal" else tmp_path)


def test_the_default_is_miniature_and_needs_no_data_root():
    config = load_config()
    assert config.scale == "miniature"
    assert config.corpora_dir == Path("data/miniature/corpora")
    assert config.device == "cpu"


def test_full_runs_all_folds_and_several_seeds(tmp_path):
    config = load_config("full", changes={"data_root": tmp_path})
    assert config.folds == (1, 2, 3, 4)
    assert len(config.seeds) > 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sedes": [1]}, ("unknown key 'sedes'", "did you mean 'seeds'?")),
        ({"scale": "minature"}, ("'scale' = 'minature'", "miniature")),
        ({"folds": []}, ("folds", "at least 1")),
        ({"seeds": []}, ("seeds", "at least 1")),
        ({"folds": ["one"]}, ("folds", "'one'")),
        ({"folds": [1, 1]}, ("folds", "twice")),
        ({"seeds": "3,4,3"}, ("seeds", "twice")),
        ({"seeds": [-1]}, ("seeds", "-1")),
        ({"device": "gpu"}, ("'device' = 'gpu'", "cuda")),
        ({"mixed_precision": "fp8"}, ("mixed_precision", "bfloat16")),
        ({"set": {"two_step_attention": 3}}, ("set.two_step_attention", "3")),
    ],
)
def test_wrong_configurations_are_refused_in_one_line(changes, words):
    message = refused(make_config, GIVEN | changes, "some.yaml")
    assert message.startswith("some.yaml: ")
    for word in words:
        assert word in message


def test_a_value_of_the_command_line_is_not_blamed_on_a_file(tmp_path):
    for changes in ({"sedes": [1]}, {"folds": []}, {"scale": "full", "data_root": tmp_path / "no"}):
        assert refused(make_config, GIVEN | changes, "some.yaml", changes).startswith("command line: ")
    assert refused(make_config, GIVEN | {"seeds": []}, "some.yaml", {"folds"}).startswith("some.yaml: ")


def test_settings_of_papers_may_be_one_text():
    config = make_config(GIVEN | {"set": "c_ssed.training.epochs=3 c_ssed.classes=[a,b] ddc_fap.x=y"}, "x")
    assert config.set == {"c_ssed": {"training.epochs": 3, "classes": ["a", "b"]}, "ddc_fap": {"x": "y"}}
    assert "write PAPER.KEY=VALUE" in refused(make_config, GIVEN | {"set": "epochs=3"}, "x")


def test_a_missing_key_is_named():
    assert "key 'scale' is missing" in refused(make_config, {"folds": [1], "seeds": [1]}, "x")


def test_recordings_need_an_existing_folder(tmp_path):
    given = GIVEN | {"scale": "recordings"}
    assert "needs data_root" in refused(make_config, given, "x")
    assert str(tmp_path / "no") in refused(make_config, given | {"data_root": tmp_path / "no"}, "x")
    file = tmp_path / "file"
    file.touch()
    assert "no such folder" in refused(make_config, given | {"data_root": file}, "x")


def test_empty_values_count_as_not_given():
    assert make_config(GIVEN | {"data_root": "", "device": None}, "x") == make_config(GIVEN, "x")


@pytest.mark.parametrize("folds", [[1, 3], "1,3", " 1 , 3 ", (1, 3), ["1", "3"]])
def test_lists_may_be_written_with_commas(folds):
    assert make_config(GIVEN | {"folds": folds}, "x").folds == (1, 3)


def test_one_value_may_stand_for_a_list():
    config = make_config(GIVEN | {"folds": 2, "papers": "two_step_attention"}, "x")
    assert config.folds == (2,)
    assert config.papers == ("two_step_attention",)


def test_overrides_given_as_text_are_read_as_yaml():
    # The workflow's command line hands every value inside a mapping on as text; "false" would be true.
    text = {"a": "false", "b": "[1, 2]", "c": ["1", "2.5"], "d": "3", "e": "plain words", "f": {"g": "true"}}
    assert make_config(GIVEN | {"set": {"paper": text}}, "x").set == {
        "paper": {"a": False, "b": [1, 2], "c": [1, 2.5], "d": 3, "e": "plain words", "f": {"g": True}}
    }


def test_yaml_errors_name_file_and_line(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("scale: miniature\nfolds: [1\nseeds: [1]\n")
    message = refused(read_yaml, path)
    assert message.startswith(f"{path}: is not valid YAML in line 3")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"just words", "must hold keys and values"),
        (b"", "must hold keys and values"),
        (b"- 1\n- 2\n", "must hold keys and values"),
        (b"a: \x00", "is not valid YAML"),
        (b"a: \xff\xfe", "UTF-8"),
    ],
)
def test_files_that_are_no_configuration_are_refused(tmp_path, content, words):
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    message = refused(read_yaml, path)
    assert message.startswith(f"{path}: ")
    assert words in message


def test_missing_files_and_folders_are_refused(tmp_path):
    assert refused(read_yaml, tmp_path / "no.yaml") == f"{tmp_path / 'no.yaml'}: no such file"
    assert str(tmp_path) in refused(read_yaml, tmp_path)


def test_an_unknown_scale_names_the_nearest():
    assert "did you mean 'recordings'?" in refused(scale_file, "recording")


def test_a_file_of_another_scale_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GIVEN))
    assert load_config("miniature", path).scale == "miniature"
    assert "'miniature', not 'full'" in refused(load_config, "full", path)


def test_a_changed_scale_takes_that_scales_file(tmp_path):
    changed = load_config(changes={"scale": "full", "data_root": tmp_path})
    assert changed == load_config("full", changes={"data_root": tmp_path})


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ([], {}),
        (["device=cpu"], {"device": "cpu"}),
        (["folds=[1, 2]", "tf32=true"], {"folds": [1, 2], "tf32": True}),
        (["a.b=x=y"], {"a.b": "x=y"}),
        (["seeds="], {"seeds": None}),
        (["data_root=/a/set #2"], {"data_root": "/a/set #2"}),
        (["work_dir=2023_11", "results_dir={a}"], {"work_dir": "2023_11", "results_dir": "{a}"}),
        (["archives=", "mirror=true", "manifest=[x", "checksums=a: b"], None),
    ],
)
def test_assignments(words, values):
    assert parse_assignments(words) == (values or dict(word.split("=", 1) for word in words))


def test_every_folder_and_file_is_taken_literally():
    texts = {name for name, field in Config.model_fields.items() if field.annotation in (Path, Path | None, str | None)}
    assert texts == LITERAL


@pytest.mark.parametrize("name", ["set #2", "2023_11", "{a}", "null", "1e3", "a: b", "'x'", "caf\u00e9 $HOME"])
def test_a_data_root_of_any_name_is_found(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    config = make_config(GIVEN | parse_assignments([f"data_root={name}"]), "x")
    assert config.data_root == Path(name)


@pytest.mark.parametrize("word", ["device", "=cpu", "folds=[1, 2", "x=}"])
def test_wrong_assignments_name_the_word(word):
    assert word in refused(parse_assignments, [word])


@pytest.mark.parametrize(
    ("budget", "device", "cuda", "expected"),
    [
        ("cpu", "cuda", True, "cpu"),
        ("gpu", "cpu", False, "gpu"),
        ("auto", "cpu", True, "cpu"),
        ("auto", "cuda", False, "gpu"),
        ("auto", "auto", True, "gpu"),
        ("auto", "auto", False, "cpu"),
    ],
)
def test_the_budget_follows_the_device_unless_it_is_given(monkeypatch, budget, device, cuda, expected):
    monkeypatch.setattr(module, "has_cuda", lambda: cuda)
    assert budget_of(make_config(GIVEN | {"budget": budget, "device": device}, "x")) == expected


# --- what is written about it


def test_the_schema_file_is_that_of_the_configuration():
    file = ROOT / "workflow" / "schemas" / "config.schema.json"
    assert file.read_text(encoding="utf-8") == schema_text(), "python -m sedrepro schema > workflow/schemas/..."


def test_the_readme_of_the_configuration_has_every_key_and_no_other():
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    table = text.partition("| key | default | meaning |")[2]
    named = {key for row in re.findall(r"^\|(.*?)\|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert named == set(Config.model_fields)


# --- a project elsewhere


def test_a_project_may_lie_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config("miniature", project=ROOT)
    assert (config.work_dir, config.results_dir) == (ROOT / "data", ROOT / "results")
    assert config.checksums == ROOT / "config" / "checksums.tsv"
    assert load_config(changes={"results_dir": "mine"}, project=ROOT).results_dir == Path("mine")


def test_a_folder_that_is_no_project_is_named(tmp_path):
    (tmp_path / "miniature.yaml").write_text("scale: miniature\nfolds: [1]\nseeds: [1]\n")
    with pytest.raises(SettingsError, match=f"{tmp_path}: is no checkout of sedrepro"):
        load_config(path=tmp_path / "miniature.yaml", project=tmp_path)


def test_outside_a_project_the_way_out_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="no such file; run it in the project's folder, or name that: --project"):
        load_config("miniature")
