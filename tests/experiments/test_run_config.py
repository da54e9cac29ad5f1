"""config.json: written and read in one way, whatever lies there."""

import json

import pytest
from run_config_example import run_config

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.run_config import config_file, read_run_config, require_front_end, write_run_config
from sedrepro.experiments.runs import RunIdentity

RUN = RunIdentity("c_ssed", "power", "dcase2019", 0, 1)


@pytest.fixture
def written():
    return run_config(make_config({"scale": "miniature", "folds": [1], "seeds": [1], "device": "cpu"}, "test"), RUN)


@pytest.fixture
def front_end():
    config = make_config({"scale": "miniature", "folds": [1], "seeds": [1], "device": "cpu"}, "test")
    return load_paper(RUN.paper, config).run(RUN.system, RUN.variant).front_end


def rewrite(folder, change) -> None:
    values = json.loads(config_file(folder).read_text())
    change(values)
    config_file(folder).write_text(json.dumps(values))


def test_what_is_written_comes_back(tmp_path, written):
    write_run_config(tmp_path, written)
    assert read_run_config(tmp_path) == written
    assert json.loads(config_file(tmp_path).read_text())["classes"] == written.classes


def test_what_was_not_stored_then_or_is_not_known_now_does_not_matter(tmp_path, written):
    write_run_config(tmp_path, written)
    rewrite(tmp_path, lambda values: (values.pop("expected_by_split"), values.pop("parameters")))
    rewrite(tmp_path, lambda values: values.update(of_a_later_version=[1]))
    assert read_run_config(tmp_path) == written.model_copy(update={"parameters": None})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda values: values.pop("classes"), "key 'classes' is missing"),
        (lambda values: values.update(clips=-1), "key 'clips': "),
        (lambda values: values.update(seed="1"), "key 'seed': "),
        (lambda values: values["data"].update(some=3), "key 'data.some': "),
        (lambda values: values.update(settings=[]), "key 'settings': "),
    ],
)
def test_a_wrong_key_is_named_with_its_file(tmp_path, written, change, problem):
    write_run_config(tmp_path, written)
    rewrite(tmp_path, change)
    with pytest.raises(DataError) as caught:
        read_run_config(tmp_path)
    assert str(caught.value).startswith(f"{config_file(tmp_path)}: {problem}")
    assert str(caught.value).endswith("train this run again")


def test_only_the_front_end_of_training_is_taken(tmp_path, written, front_end):
    assert require_front_end(tmp_path, written, front_end) == front_end
    other = front_end.model_copy(update={"hop_length": 200, "fmin": 1.5})
    with pytest.raises(DataError, match=rf"\(hop_length {front_end.hop_length}, not 200, fmin .*, not 1.5\)"):
        require_front_end(tmp_path, written, other)


def test_a_front_end_from_before_a_key_existed_has_its_default(tmp_path, written, front_end):
    del written.settings["front_end"]["padding"]
    assert require_front_end(tmp_path, written, front_end) == front_end
    written.settings["front_end"]["n_mells"] = 3
    with pytest.raises(SettingsError, match=r"config.json: unknown key 'n_mells'; did you mean 'n_mels'\?"):
        require_front_end(tmp_path, written, front_end)
