"""What every job depends on: its inputs one by one, the settings that reach it, and the code that it runs.

Snakemake runs a job again when its inputs, parameters or command change; here the rules are parsed as they stand, so a
dropped input, setting or module is noticed. `test_dag.py` sees Snakemake act on it.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from parsed import ROOT, jobs_of

from sedrepro import workflow
from sedrepro.base import code
from sedrepro.corpora.tables import CORPUS_TABLES
from sedrepro.experiments.published_size import as_published
from sedrepro.experiments.run_files import RUN_FILES

RESULTS, DATA = "results/miniature", "data/miniature"
SEMI = {"paper": "c_ssed", "variant": "dcase2019", "fold": "0", "seed": "1"}
MIXED = {"paper": "two_step_attention", "variant": "remix_0db", "fold": "1", "seed": "1"}
#: A job of every rule: its rule and wildcards.
JOBS = {
    "synthesise": ("synthesise", {"archive": "dcase2019_task4"}),
    "survey": ("survey", {"data_set": "dcase2019_task4"}),
    "recipes": ("recipes", {"paper": "two_step_attention", "corpus": "remix"}),
    "mixed tables": ("corpus_tables", {"paper": "two_step_attention", "corpus": "remix"}),
    "official tables": ("corpus_tables", {"paper": "c_ssed", "corpus": "dcase2019"}),
    "mixed features": ("features", {"paper": "two_step_attention", "corpus": "remix"}),
    "official features": ("features", {"paper": "c_ssed", "corpus": "dcase2019"}),
    "audio": ("render_audio", {"paper": "two_step_attention", "variant": "remix_0db"}),
    "supervised": ("train", MIXED | {"system": "2ap_alpha_0.001"}),
    "mean teacher": ("train", SEMI | {"system": "power"}),
    "confidence": ("train", SEMI | {"system": "mt_ssed_lambda_0.1"}),
    "retraining": ("train", SEMI | {"system": "c_ssed_0.1_1"}),
    "pseudo-labels": ("pseudo_labels", SEMI | {"system": "mt_ssed_lambda_0.1"}),
    "clip scores": ("score", MIXED | {"system": "2ap_alpha_0.001"}),
    "event scores": ("score", SEMI | {"system": "power"}),
    "examined": ("examine", {"paper": "two_step_attention", "figure": "figure2"}),
    "drawn": ("figure", {"paper": "two_step_attention", "figure": "figure2"}),
    "numbers": ("table", {"paper": "c_ssed", "table": "table3"}),
    "texts": ("table", {"paper": "c_ssed", "table": "table1"}),
    "claims of a paper": ("table", {"paper": "c_ssed", "table": "claims"}),
    "coverage": ("coverage", {"owner": "c_ssed"}),
    "model cards": ("model_cards", {"paper": "c_ssed"}),
    "sweep": ("sweep", {"paper": "c_ssed"}),
    "sweep table": ("sweep_table", {}),
    "comparison": ("comparison", {}),
    "claims": ("claims", {}),
    "page": ("page", {}),
}
CONFIG = {"scale": "miniature", "papers": "c_ssed,two_step_attention"}


def depends(**changes):
    return jobs_of(CONFIG | changes, JOBS)


def overrides(paper, **values):
    return {"set": {paper: {key.replace("__", "."): value for key, value in values.items()}}}


def run_folder(system, where=SEMI) -> str:
    return f"{RESULTS}/{where['paper']}/runs/{system}/{where['variant']}/fold{where['fold']}/seed{where['seed']}"


@pytest.fixture(scope="module")
def today():
    return depends()


# --- inputs


def test_data_is_brought_then_surveyed_then_listed_then_extracted(today):
    surveys = [f"{DATA}/surveys/{name}/survey.json" for name in ("fsdkaggle2018", "tau_urban_2019")]
    recipe = f"{DATA}/two_step_attention/corpora/remix/recipes.tsv"
    tables = [f"{DATA}/two_step_attention/corpora/remix/{name}" for name in ("clips.tsv", "weak.tsv")]
    assert today["synthesise"].inputs == ()
    assert today["survey"].inputs == (f"{DATA}/synthesised/dcase2019_task4.json",)
    assert sorted(today["recipes"].inputs) == surveys
    assert today["mixed tables"].inputs == (recipe,)
    assert sorted(today["mixed features"].inputs) == sorted([*tables, recipe])
    assert today["audio"].inputs == (recipe,)
    official = {f"{DATA}/surveys/{name}/survey.json" for name in ("dcase2018_task4", "dcase2019_task4")}
    assert set(today["official tables"].inputs) == official  # the subset of 2018 is listed by another data set
    listed = {f"{DATA}/c_ssed/corpora/dcase2019/{name}" for name in ("clips.tsv", "weak.tsv")}
    assert set(today["official features"].inputs) == official | listed


def test_a_run_reads_features_labels_where_it_learns_from_them_and_the_run_that_it_is_based_on(today):
    features, strong = f"{DATA}/c_ssed/features/dcase2019", f"{DATA}/c_ssed/corpora/dcase2019/strong.tsv"
    assert today["supervised"].inputs == (f"{DATA}/two_step_attention/features/remix",)
    assert today["mean teacher"].inputs == (features, strong)
    base = [f"{run_folder('power')}/{name}" for name in ("config.json", "weights.safetensors")]
    assert today["confidence"].inputs == (features, strong, *base)
    files = ("config.json", "weights.safetensors", "pseudo_labels.npz")
    base = [f"{run_folder('mt_ssed_lambda_0.1')}/{name}" for name in files]
    assert today["retraining"].inputs == (features, strong, *base)


def test_pseudo_labels_and_scores_read_the_run_and_its_corpus(today):
    asked = [f"{run_folder('mt_ssed_lambda_0.1')}/{name}" for name in RUN_FILES]
    assert today["pseudo-labels"].inputs == (*asked, f"{DATA}/c_ssed/features/dcase2019")
    tables = [f"{DATA}/c_ssed/corpora/dcase2019/{name}" for name in CORPUS_TABLES]
    assert today["event scores"].inputs == (*[f"{run_folder('power')}/{name}" for name in RUN_FILES], *tables)


def test_what_is_shown_reads_what_it_shows(today):
    figures = f"{RESULTS}/c_ssed/figures"
    claims = today["claims of a paper"].inputs
    assert {f"{figures}/{name}.{form}" for name in ("figure2", "figure3a") for form in ("npz", "json")} <= set(claims)
    assert f"{run_folder('power')}/metrics.json" in claims
    assert all(name.endswith("/metrics.json") for name in today["numbers"].inputs)
    assert f"{run_folder('c_ssed_0.1_1')}/metrics.json" in today["numbers"].inputs
    assert today["texts"].inputs == ()
    assert today["drawn"].inputs == tuple(f"{RESULTS}/two_step_attention/figures/figure2.{f}" for f in ("npz", "json"))
    assert f"{DATA}/two_step_attention/corpora/remix/strong.tsv" in today["examined"].inputs
    assert len(today["examined"].inputs) == len(RUN_FILES) + 1
    surveyed = {f"{DATA}/surveys/dcase2019_task4/{name}" for name in ("survey.json", "coverage.tsv")}
    assert surveyed <= set(today["coverage"].inputs)


def test_the_sweep_reads_what_was_counted_of_every_run_of_a_table(today):
    counts = today["sweep"].inputs
    assert f"{run_folder('power')}/post_processing_counts.csv" in counts
    assert {Path(name).name for name in counts} == {"post_processing_counts.csv"}
    assert today["sweep table"].inputs == tuple(
        f"{RESULTS}/{paper}/post_processing.csv" for paper in ("c_ssed", "two_step_attention")
    )


def test_what_is_over_all_papers_reads_all_of_them(today):
    claims = [f"{RESULTS}/{paper}/tables/claims.csv" for paper in ("c_ssed", "two_step_attention")]
    assert list(today["claims"].inputs) == claims
    assert {f"{RESULTS}/c_ssed/tables/table3.csv", f"{RESULTS}/two_step_attention/tables/table1.csv"} <= set(
        today["comparison"].inputs
    )
    shown = set(today["page"].inputs)
    assert {f"{RESULTS}/{name}.csv" for name in ("comparison", "claims", "post_processing")} <= shown
    assert {*claims, f"{RESULTS}/c_ssed/figures/figure2.svg", f"{RESULTS}/c_ssed/coverage.csv"} <= shown
    scored = {f"{run_folder('power')}/{name}" for name in ("config.json", "metrics.json", "environment.json")}
    assert scored <= set(today["model cards"].inputs)


def test_no_path_is_absolute(today):
    """A checkout that is moved or copied makes nothing again."""
    texts = [text for job in today.values() for text in (*job.inputs, json.dumps(job.params))]
    assert not [text for text in texts if str(ROOT) in text]


# --- settings

RETRAINED = {"mean teacher", "confidence", "retraining", "pseudo-labels"}
TOLD = {"texts", "claims of a paper", "model cards", "page"}
OF_CORPUS = {"mixed tables", "mixed features", "audio", "recipes", "supervised"}


@pytest.mark.parametrize(
    ("changes", "concerned"),
    [
        ({"miniature_seed": 5}, {"synthesise"}),
        ({"mixed_precision": "bfloat16"}, {"supervised", *RETRAINED}),
        ({"tf32": True}, {"supervised", *RETRAINED}),
        ({"device": "cpu"}, set()),
        ({"frame_scores": True}, set()),  # both store them anyway
        (overrides("c_ssed", training__validation_share=0.3), {*RETRAINED, *TOLD}),
        # The confidence phase has its own number of epochs.
        (overrides("c_ssed", training__epochs=3), {"mean teacher", "retraining", *TOLD}),
        (
            overrides("c_ssed", front_end__n_mels=40),
            {*RETRAINED, *TOLD, "official features", "event scores"},
        ),
        (overrides("c_ssed", evaluation__event_based__collar_seconds=0.3), {"event scores", *TOLD}),
        (overrides("c_ssed", systems__power__label="Other"), TOLD),
        (overrides("c_ssed", tables__table3__title="Other"), {"numbers", *TOLD}),
        (
            overrides("two_step_attention", systems__2ap_alpha_0_001__label="Other"),
            {"examined", "page"},
        ),
        (
            overrides("two_step_attention", corpora__remix__seed=7),
            {*OF_CORPUS, "clip scores", "page"},
        ),
        (
            overrides("two_step_attention", front_end__fmin=60),
            {*OF_CORPUS - {"recipes", "mixed tables"}, "clip scores", "examined", "page"},
        ),
        (overrides("two_step_attention", figures__figure2__title="Other"), {"examined", "page"}),
    ],
)
def test_a_setting_concerns_the_jobs_that_it_reaches_and_no_others(today, changes, concerned):
    changes = json.loads(json.dumps(changes).replace("2ap_alpha_0_001", "2ap_alpha_0.001"))
    after = depends(**changes)
    assert {name for name in JOBS if after[name].params != today[name].params} == concerned


def test_another_paper_changes_nothing_of_the_jobs_of_this_one(today):
    alone = jobs_of(CONFIG | {"papers": "c_ssed"}, {name: JOBS[name] for name in ("retraining", "numbers", "sweep")})
    assert alone == {name: today[name] for name in alone}


def test_claims_on_sizes_follow_the_published_widths_at_every_scale(today, monkeypatch):
    published = as_published("c_ssed")
    networks = published.settings.networks
    wider = {**networks, "crnn": {**networks["crnn"], "recurrent": 129}}
    settings = published.settings.model_copy(update={"networks": wider})
    monkeypatch.setattr(workflow, "as_published", lambda name: replace(published, settings=settings))
    after = depends()
    assert {name for name in JOBS if after[name].params != today[name].params} == {"claims of a paper"}


# --- code

#: By job: the module of its step, and modules that it finds by name.
STARTS = {
    "synthesise": ["steps.synthesise", "miniature.dcase2019_task4"],
    "survey": ["steps.survey", "data_sets.dcase2019_task4"],
    "recipes": ["steps.recipes", "data_sets.fsdkaggle2018", "data_sets.tau_urban_2019"],
    "official tables": ["steps.corpus_tables", "data_sets.dcase2019_task4", "data_sets.dcase2018_task4"],
    "mixed features": ["steps.features", "data_sets.fsdkaggle2018", "data_sets.tau_urban_2019"],
    "audio": ["steps.remix_audio"],
    "supervised": ["steps.train", "papers.two_step_attention.network", "training.supervised"],
    "retraining": ["steps.train", "papers.c_ssed.network", "training.retraining"],
    "pseudo-labels": ["steps.pseudo_labels", "papers.c_ssed.network"],
    "clip scores": ["steps.score", "detection.median", "detection.hysteresis"],
    "event scores": ["steps.score", "detection.median", "detection.hysteresis"],
    "examined": ["steps.examine", "papers.two_step_attention.figures", "papers.two_step_attention.network"],
    "drawn": ["steps.figure", "papers.two_step_attention.figures"],
    "numbers": ["steps.table"],
    "texts": ["steps.table", "papers.c_ssed.tables", "papers.c_ssed.network"],
    "claims of a paper": ["steps.table", "papers.c_ssed.claims"],
    "coverage": ["steps.coverage"],
    "model cards": ["steps.model_cards"],
    "sweep": ["steps.sweep"],
    "sweep table": ["steps.sweep_table"],
    "comparison": ["steps.comparison"],
    "claims": ["steps.claims"],
    "page": ["steps.page"],
}


#: Of the files in the closure of a job, one in so many is edited for it.
EVERY = 8


def starts(name) -> list[str]:
    return [f"sedrepro.{module}" for module in STARTS[name]]


@pytest.mark.parametrize(("number", "name"), list(enumerate(STARTS)))
def test_a_job_depends_on_the_closure_of_its_step_and_of_what_this_finds_by_name(number, name, today, monkeypatch):
    """The digest of its rule changes with a file of the closure, and with all others together it does not.

    The jobs share the files of their closures among them: each is edited for a few jobs, none for all.
    """
    files = code.closure(starts(name))
    expected = code.code_digest(starts(name))
    if name not in ("numbers", "texts", "claims of a paper"):  # tables depend on their printed cells, too
        assert today[name].params["code"] == expected
    read = code._read
    others = set(code.PACKAGE.rglob("*.py")) - set(files)
    for edited in (others, *({file} for file in files[number % EVERY :: EVERY])):
        monkeypatch.setattr(
            code,
            "_read",
            lambda path, at, e=edited: read(path, at)._replace(meaning="x") if path in e else read(path, at),
        )
        assert (code.code_digest(starts(name)) == expected) == (edited is others), edited


@pytest.mark.parametrize(
    "name", ["retraining", "event scores", "mixed features", "numbers", "pseudo-labels", "examined"]
)
def test_what_a_step_really_imports_is_in_its_closure(name):
    """Against Python's own record of what was loaded; a step learns the values of settings, it does not load them."""
    program = f"import sys\nfor name in {starts(name)!r}:\n    __import__(name)\n"
    program += "print(*(name for name in sys.modules if name.split('.')[0] == 'sedrepro'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {code.module_file(module) for module in done.stdout.split()}
    assert loaded <= set(code.closure(starts(name)))


@pytest.mark.parametrize(
    ("edited", "untouched"),
    [
        ("detection/hysteresis.py", {"supervised", "retraining", "numbers", "sweep"}),
        ("experiments/papers.py", {"supervised", "retraining", "mixed features", "event scores", "recipes"}),
        ("reporting/status/model_card.py", {"supervised", "event scores", "numbers"}),
        ("training/guided.py", {"supervised", "retraining", "event scores"}),
        ("corpora/mixing.py", {"retraining", "official tables"}),
        ("steps/arguments.py", set(STARTS)),
    ],
)
def test_an_edit_leaves_alone_what_does_not_use_it(edited, untouched):
    path = code.PACKAGE / edited
    assert path.is_file()
    assert not {name for name in untouched if path in code.closure(starts(name))}


def test_every_rule_that_runs_a_step_has_its_code_among_its_parameters(today):
    assert [name for name, job in today.items() if "code" not in job.params] == []


def test_every_rule_is_tested_here():
    with open(ROOT / "Snakefile", encoding="utf-8") as file:
        included = [line.split('"')[1] for line in file if line.startswith("include:")]
    text = "".join(Path(ROOT, name).read_text(encoding="utf-8") for name in included)
    rules = {line.split()[1].rstrip(":") for line in text.splitlines() if line.strip().startswith("rule ")}
    assert rules - {rule for rule, _ in JOBS.values()} == {"obtain", "remix_audio"}  # of other scales; an alias
