import argparse
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sedrepro import __version__
from sedrepro.base.errors import SettingsError
from sedrepro.cli import build_parser, configuration, main, verb_module, verb_names
from sedrepro.data_sets import data_set_names
from sedrepro.steps import pseudo_labels, summary

ROOT = Path(__file__).parents[1]
RUN = {"paper": "two_step_attention", "system": "vgg_gap", "variant": "remix_0db", "fold": "1", "seed": "1"}
WORDS = RUN | {"corpus": "remix", "data-set": "fsdkaggle2018", "table": "table1", "figure": "figure2"}
WORDS |= {"file": "FSDKaggle2018.meta.zip", "sources": "somewhere"}


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


def options_of(verb) -> list[argparse.Action]:
    """The options that a verb has of its own."""
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments = getattr(verb_module(verb), "add_arguments", None)
    if add_arguments:
        add_arguments(parser)
    return parser._actions


def line(verb, tmp_path, **changes) -> list[str]:
    """A complete command line of a verb, whose results would lie in `tmp_path`."""
    words = [verb, "--set", f"work_dir={tmp_path}/data", "--set", f"results_dir={tmp_path}/results"]
    for option in options_of(verb):
        name = option.dest.replace("_", "-")
        value = changes.get(name) or WORDS.get(name, "any")
        if not option.option_strings:
            words.append(value)
        elif option.required or name in changes:
            words += [option.option_strings[0], value]
    return words


def refused(words, capsys) -> str:
    """The one line on stderr with which a command ends."""
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"sedrepro {words[0]}: error: ")
    return captured.err


# --- help


def test_help_lists_every_verb_without_loading_heavy_modules():
    program = (
        "import sys\n"
        "from sedrepro.cli import main\n"
        "try:\n    main(['--help'])\n"
        "finally:\n    heavy = {'torch', 'numpy', 'pandas', 'sklearn', 'librosa', 'matplotlib'}\n"
        "    print(*heavy & set(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert done.stderr.strip() == ""
    for verb in verb_names():
        assert re.search(rf"^ +{verb}\b", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("verb", verb_names())
def test_every_verb_explains_its_options(verb, capsys):
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    assert left.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert verb_module(verb).__doc__.splitlines()[0] in text
    for flag in (*(flag for option in options_of(verb) for flag in option.option_strings), "--scale", "--config"):
        assert flag in text


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["trian"],
        ["train", "--paper", "two_step_attention"],
        ["settings"],
        ["train", *(word for key in RUN for word in (f"--{key}", RUN[key])), "--seed", "-1"],
        ["train", *(word for key in RUN for word in (f"--{key}", RUN[key])), "--threads", "0"],
        ["train", *(word for key in RUN for word in (f"--{key}", RUN[key])), "--fold", "one"],
        ["remix-audio", "--paper", "two_step_attention", "--variant", "remix_0db", "--clips", "-3"],
        ["list", "--papr", "c_ssed"],
        ["calibrate", "--seconds", "nan"],
        ["calibrate", "--seconds", "-1"],
    ],
)
def test_incomplete_or_impossible_command_lines_end_with_one_line(words, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    said = capsys.readouterr().err
    name = " ".join(["sedrepro", *(word for word in words[:1] if word in verb_names())])
    assert said.startswith(f"{name}: error: ")
    assert said.endswith(f"; see {name} --help\n")
    assert said.count("\n") == 1


def test_an_unknown_verb_names_the_nearest(capsys):
    with pytest.raises(SystemExit):
        main(["setings"])
    assert "did you mean 'settings'?" in capsys.readouterr().err


# --- names


@pytest.mark.parametrize(
    "verb", [verb for verb in verb_names() if any(o.dest == "paper" and o.required for o in options_of(verb))]
)
def test_a_wrong_paper_names_the_nearest(verb, tmp_path, capsys):
    message = refused(line(verb, tmp_path, paper="two_step_atention"), capsys)
    assert "did you mean 'two_step_attention'?" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("verb", "option", "wrong", "nearest"),
    [
        ("train", "system", "vgg_gapp", "vgg_gap"),
        ("score", "system", "vgg_gapp", "vgg_gap"),
        ("pseudo-labels", "system", "vgg_gapp", "vgg_gap"),
        ("pseudo-labels", "variant", "remix0db", "remix_0db"),
        ("train", "variant", "remix0db", "remix_0db"),
        ("score", "variant", "remix0db", "remix_0db"),
        ("remix-audio", "variant", "remix0db", "remix_0db"),
        ("recipes", "corpus", "remx", "remix"),
        ("features", "corpus", "remx", "remix"),
        ("survey", "data-set", "fsdkaggle2019", "fsdkaggle2018"),
        ("table", "table", "table9", "table"),
        ("figure", "figure", "figure3", "figure2"),
        ("examine", "figure", "figure3", "figure2"),
    ],
)
def test_a_wrong_name_names_the_nearest(verb, option, wrong, nearest, tmp_path, capsys):
    message = refused(line(verb, tmp_path, **{option: wrong}), capsys)
    assert f"'{wrong}' is unknown" in message
    assert f"did you mean '{nearest}" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "verb", ["survey", "recipes", "features", "train", "pseudo-labels", "score", "examine", "figure", "table"]
)
def test_a_step_before_its_inputs_names_the_missing_file(verb, tmp_path, capsys):
    assert str(tmp_path) in refused(line(verb, tmp_path), capsys)


@pytest.mark.parametrize(
    ("verb", "target"),
    [
        ("train", "data/miniature/two_step_attention/features/remix"),
        ("features", "data/miniature/two_step_attention/corpora/remix/weak.tsv"),
        ("table", "results/miniature/two_step_attention/runs/vgg_gap/remix_20db/fold1/seed1/metrics.json"),
    ],
)
def test_what_makes_a_missing_file_is_told(verb, target, tmp_path, capsys):
    moved = f"CONFIG='work_dir={tmp_path}/data results_dir={tmp_path}/results'"
    makes = f"; make results SCALE=miniature TARGET={tmp_path / target} {moved} makes it\n"
    assert makes in refused(line(verb, tmp_path), capsys)


def test_what_makes_a_missing_file_in_the_usual_place_needs_no_folders(tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    said = refused(["table", "--paper", "c_ssed", "--table", "table2"], capsys)
    first = "results/miniature/c_ssed/runs/attention/dcase2019/fold0/seed1/metrics.json"
    assert said.endswith(f"error: {first}: no such file; make results SCALE=miniature TARGET={first} makes it\n")


def test_a_missing_file_of_somebody_else_is_no_target(tmp_path, capsys):
    said = refused(
        ["evaluate", f"{tmp_path}/mine.tsv", "--paper", "c_ssed", "--reference", f"{tmp_path}/no.tsv"], capsys
    )
    assert "no such file" in said and "make results" not in said


def test_pseudo_labels_are_asked_of_the_run_that_the_words_name(tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        pseudo_labels, "write_pseudo_labels", lambda *words: asked.append(words) or tmp_path / "some.npz"
    )
    assert main([*line("pseudo-labels", tmp_path), "--threads", "2"]) == 0
    ((paper, who, config, threads),) = asked
    assert (paper.name, threads, config.work_dir) == (RUN["paper"], 2, tmp_path / "data")
    assert {key: str(value) for key, value in vars(who).items()} == RUN
    assert capsys.readouterr().out == f"{tmp_path}/some.npz\n"


def test_recordings_are_not_synthesised(tmp_path, capsys):
    words = ["synthesise", "--data-set", "fsdkaggle2018", "--scale", "recordings", "--set", f"data_root={tmp_path}"]
    assert "only miniature and rehearsal are synthesised" in refused(words, capsys)
    assert not list(tmp_path.iterdir())


def test_a_data_set_that_cannot_be_synthesised_names_the_nearest(tmp_path, capsys):
    message = refused(line("synthesise", tmp_path, **{"data-set": "dcase2019_tusk4"}), capsys)
    assert "'dcase2019_tusk4' cannot be synthesised; did you mean 'dcase2019_task4'?" in message
    assert not list(tmp_path.iterdir())


# --- data


def test_the_plan_of_downloads_names_every_file_with_size_and_terms(tmp_path, capsys):
    words = [
        "data",
        "--scale",
        "full",
        "--set",
        f"work_dir={tmp_path}",
        "--set",
        "data_sets=tau_urban_2019,dcase2018_task4",
    ]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert re.search(r"audio\.21\.zip +1\.33GB", shown)
    assert "non-commercial" in shown
    assert "Synthetic_dataset.zip" in shown
    assert "fsdkaggle2018" not in shown
    assert re.search(r"30 of 30 files to download: 38\.\dGB", shown)
    assert "dcase2018_task4: the audio of evaluation lies in no official archive" in shown
    assert not list(tmp_path.iterdir())


def test_at_miniature_nothing_is_downloaded(tmp_path, capsys):
    assert main(["data", "--set", f"work_dir={tmp_path}"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == len(data_set_names())
    assert all(text.endswith("synthesised at this scale, nothing to download") for text in shown)


@pytest.mark.parametrize(
    ("verb", "changes", "message"),
    [
        ("obtain", {"data-set": "fsdkagle2018"}, "did you mean 'fsdkaggle2018'?"),
        (
            "obtain",
            {"data-set": "fsdkaggle2018", "file": "FSDKaggle2018.meta"},
            "did you mean 'FSDKaggle2018.meta.zip'?",
        ),
        ("survey", {"data-set": "desed"}, "did you mean 'desed_2020'?"),
        ("clips", {"data-set": "desed"}, "did you mean 'desed_2020'?"),
    ],
)
def test_wrong_data_sets_and_files_name_the_nearest(verb, changes, message, tmp_path, capsys):
    scale = ["--scale", "full"]
    assert message in refused([*line(verb, tmp_path, **changes), *scale], capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["obtain", "clips"])
def test_synthesised_data_are_not_mixed_with_others(verb, tmp_path, capsys):
    assert "add --scale full" in refused(line(verb, tmp_path), capsys)
    assert not list(tmp_path.iterdir())


# --- configuration


def configured(*words):
    return configuration(build_parser().parse_args(["summary", *words]))


def test_set_changes_configuration_keys():
    config = configured(
        "--set", "folds=[1, 2]", "--set", "seeds=5", "--set", "device=cpu", "--set", "work_dir=elsewhere"
    )
    assert (config.folds, config.seeds, config.device, config.work_dir) == ((1, 2), (5,), "cpu", Path("elsewhere"))
    assert configured("--set", "folds=3,4").folds == (3, 4)


def test_set_changes_settings_of_a_paper():
    config = configured(
        "--set", "two_step_attention.training.epochs=2", "--set", "two_step_attention.networks.vgg_like.channels=[4, 4]"
    )
    assert config.set == {"two_step_attention": {"training.epochs": 2, "networks.vgg_like.channels": [4, 4]}}


def test_the_scale_may_be_given_in_both_ways(tmp_path):
    root = f"data_root={tmp_path}"
    assert configured("--scale", "full", "--set", root) == configured("--set", "scale=full", "--set", root)


def test_the_last_of_several_settings_of_a_key_counts():
    assert configured("--set", "seeds=1", "--set", "seeds=2").seeds == (2,)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--set", "sedes=1"], "did you mean 'seeds'?"),
        (["--set", "seeds"], "write key=value"),
        (["--set", "folds=[1"], "folds=[1"),
        (["--set", "two_step.training.epochs=1"], "did you mean 'two_step_attention'?"),
        (["--scale", "minature"], "did you mean 'miniature'?"),
        (["--scale", "recordings"], "needs data_root"),
        (["--config", "no/such.yaml"], "no/such.yaml: no such file"),
        (["--set", "papers=[two_step]"], "did you mean 'two_step_attention'?"),
        (["--set", "seeds=-4"], "seeds"),
        (["--set", "folds=9"], "has the folds 1 to 4"),
        (["--set", "without=desed"], "did you mean 'desed_2020'?"),
    ],
)
def test_wrong_configurations_end_with_one_line(words, hint, capsys):
    assert hint in refused(["summary", *words], capsys)


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("training.epoch=1", "did you mean 'two_step_attention.training.epochs'?"),
        ("training.epochs=-1", "greater than 0"),
        ("front_end.fmax=9000", "half the sample rate"),
    ],
)
def test_wrong_settings_of_a_paper_end_with_one_line(setting, hint, capsys):
    words = ["settings", "--paper", "two_step_attention", "--set", f"two_step_attention.{setting}"]
    assert hint in refused(words, capsys)


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("c_ssed.dropout=0.3", "did you mean 'c_ssed.networks.crnn.dropout'?"),
        ("dropout=0.3", "settings of papers are PAPER.KEY=VALUE, such as c_ssed.networks.crnn.dropout="),
        ("networks.crnn.dropout=3", "settings of papers are PAPER.KEY=VALUE, such as c_ssed.networks.crnn.dropout="),
        ("networks.joint.hidden=3", "such as joint_at_aed.networks.joint.hidden="),
        ("devic=cpu", "did you mean 'device'?"),
        ("c_sse.training.epochs=3", "did you mean 'c_ssed'?"),
        ("c_ssed.networks.crnn.filters=abc", "filters = 'abc': must be a list of whole numbers of at least 1"),
        ("c_ssed.networks.crnn.filters=3", "filters = 3: must be a list of whole numbers of at least 1"),
    ],
)
def test_a_misplaced_setting_is_told_where_it_belongs(setting, hint, capsys):
    assert hint in refused(["settings", "--paper", "c_ssed", "--set", setting], capsys)


def test_settings_need_no_data_and_what_needs_them_is_told_how_to_name_them(capsys):
    assert main(["settings", "--paper", "joint_at_aed", "--scale", "recordings"]) == 0
    capsys.readouterr()
    message = refused(["list", "--scale", "recordings"], capsys)
    assert "make: DATA_ROOT=dir" in message
    assert "--set data_root=dir" in message


def test_broken_yaml_names_its_line(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text("scale: miniature\nfolds: [1\nseeds: 1\n")
    assert f"{path}: is not valid YAML in line 3" in refused(["summary", "--config", str(path)], capsys)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "scale: miniature\nfolds: [1]\nseeds: [1]\nseeds: [2]\n",
            "is not valid YAML in line 4: 'seeds' is given twice",
        ),
        ("scale: &a [*a]\n", "is not valid YAML in line 1: a value holds itself"),
    ],
)
def test_yaml_that_would_be_taken_otherwise_than_meant_is_refused(text, words, tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert words in refused(["summary", "--config", str(path)], capsys)


def test_gpus_are_counted_of_a_kind_only(capsys):
    assert "--count: of which GPUs? name their kind by --gpu" in refused(["forecast", "--count", "3"], capsys)


def test_a_configuration_file_of_ones_own(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "set": {"two_step_attention": {"training.epochs": 77}}}
    path.write_text(yaml.safe_dump(given))
    assert main(["settings", "--paper", "two_step_attention", "--config", str(path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert ["training.epochs", "77", "configuration"] in [row.split() for row in shown]


# --- how commands end


def test_an_interrupt_ends_with_130_and_one_line(monkeypatch, capsys):
    def interrupted(request):
        """Stop."""
        raise KeyboardInterrupt

    monkeypatch.setattr(summary, "run", interrupted)
    assert main(["summary"]) == 130
    assert capsys.readouterr().err == "sedrepro summary: interrupted; run it again to resume\n"


def test_errors_of_the_program_itself_are_not_hidden(monkeypatch):
    def broken(request):
        """Fail."""
        raise ZeroDivisionError

    monkeypatch.setattr(summary, "run", broken)
    with pytest.raises(ZeroDivisionError):
        main(["summary"])


def test_set_of_an_unknown_paper_is_a_settings_error():
    with pytest.raises(SettingsError):
        configured("--set", "nothing.at.all=1")


def test_the_module_runs_as_a_program_and_reports_its_end():
    command = [sys.executable, "-m", "sedrepro", "settings", "--paper", "two_steps"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("sedrepro settings: error: paper 'two_steps' is unknown; did you mean")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_is_not_utf_8_gets_plain_marks(monkeypatch, tmp_path, encoding):
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding=encoding))
    assert main(["summary", "--set", f"results_dir={tmp_path}", "--set", "papers=hierarchical_pooling"]) == 0
    sys.stdout.flush()
    assert "* reproduced: " in buffer.getvalue().decode(encoding)


def test_an_interrupt_while_the_program_loads_ends_with_one_line():
    code = (
        "import sys; from sedrepro import __main__, cli\n"
        "def interrupted(*_): raise KeyboardInterrupt\n"
        "cli.build_parser = interrupted\n"
        "sys.exit(__main__.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "sedrepro: interrupted; run it again to resume"
    assert "Traceback" not in done.stderr
