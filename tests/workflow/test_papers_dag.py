"""What the papers share and what is a paper's own: plans of all of them, as if everything had run."""

import pytest
from project import Project

pytestmark = pytest.mark.dag

DDC, HIERARCHICAL, TWO_STEP = "ddc_fap", "hierarchical_pooling", "two_step_attention"
TARGETS = [
    *(f"results/miniature/{DDC}/{name}" for name in ("tables/table7.csv", "tables/table8.csv")),
    *(f"results/miniature/{DDC}/figures/{name}.svg" for name in ("figure4", "figure5")),
    *(f"results/miniature/{paper}/tables/table3.csv" for paper in (HIERARCHICAL, TWO_STEP)),
]
MINIATURE = "scale=miniature"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project in which nothing is to be done: empty files stand for all results."""
    made = Project(tmp_path_factory.mktemp("papers"), TARGETS, MINIATURE)
    made.pretend_to_have_run()
    return made


def outdated(project, config=None) -> dict[str, set[str]]:
    """By rule what would be made again, without the ends of the names; `paper/...`, or a corpus of a paper."""
    found: dict[str, set[str]] = {}
    for path, (rule, would_run) in project.outputs(config).items():
        if would_run:
            found.setdefault(rule, set()).add(path.split("/miniature/")[1])
    return found


def changed(paper, **settings) -> str:
    """A configuration in which settings of a paper differ; they have __ for a dot."""
    values = ", ".join(f"{key.replace('__', '.')}: {value}" for key, value in settings.items())
    return f"set={{{paper}: {{{values}}}}}"


def owners(paths) -> set[str]:
    return {path.split("/")[0] for path in paths}


def variants(paths) -> set[str]:
    """Corpus variants of the runs that files belong to."""
    return {path.split("/")[3] for path in paths}


def test_the_plan_of_ddc_fap_trains_every_run_of_its_tables_and_figures_once(tmp_path):
    planned = Project(tmp_path / "empty", [DDC], MINIATURE).planned()
    # 8 systems on each of three corpora, 4 more poolings or bounds on the remix, one more system on DCASE 2017.
    assert (planned["train"], planned["score"]) == (29, 29)
    assert {rule: planned[rule] for rule in ("synthesise", "survey", "recipes", "corpus_tables", "features")} == {
        "synthesise": 4,
        "survey": 4,
        "recipes": 1,
        "corpus_tables": 3,
        "features": 3,
    }
    assert (planned["table"], planned["examine"], planned["figure"]) == (9, 3, 3)


def test_after_all_has_run_nothing_is_to_be_done(project):
    assert outdated(project) == {}


@pytest.mark.parametrize("name", ["detection/hysteresis.py", "evaluation/event_based.py"])
def test_an_edit_of_detection_rescores_the_papers_that_detect_events(project, name):
    with project.edited(name):
        found = outdated(project)
    assert owners(found.pop("score")) == owners(found.pop("table")) == {DDC, HIERARCHICAL}
    assert {path.partition(".")[0] for path in found.pop("examine")} == {f"{DDC}/figures/figure5"}
    assert set(found) == {"figure"}  # nothing is trained


def test_an_edit_of_the_remix_leaves_official_clips_alone(project):
    with project.edited("corpora/remix.py"):
        found = outdated(project)
    assert found["recipes"] == {f"{paper}/corpora/remix/recipes.tsv" for paper in (DDC, TWO_STEP)}
    assert {path.split("/")[2] for path in found["corpus_tables"]} == {"remix"}
    assert found["features"] == {f"{paper}/features/remix" for paper in (DDC, TWO_STEP)}
    assert variants(found["train"]) == variants(found["score"]) == {"remix_0db"}
    assert {path.rpartition(".")[0] for path in found["table"]} == {f"{TWO_STEP}/tables/table3"}


def test_an_edit_of_official_corpora_leaves_the_remix_alone(project):
    with project.edited("corpora/official.py"):
        found = outdated(project)
    assert found["features"] == {f"{HIERARCHICAL}/features/dcase2017"} | {
        f"{DDC}/features/{corpus}" for corpus in ("desed", "dcase2017")
    }
    assert variants(found["train"]) == {"desed", "dcase2017"}
    assert "recipes" not in found


@pytest.mark.parametrize(("name", "rule"), [("training/order.py", "train"), ("evaluation/one_class.py", "score")])
def test_an_edit_of_what_all_papers_use_concerns_all_of_them(project, name, rule):
    with project.edited(name):
        found = outdated(project)
    assert owners(found[rule]) == {DDC, HIERARCHICAL, TWO_STEP}
    assert ("train" in found) == (rule == "train")
    assert "features" not in found


def test_an_edit_of_how_pictures_are_saved_draws_them_again_and_scores_nothing(project):
    with project.edited("reporting/pictures.py"):
        found = outdated(project)
    assert set(found) <= {"examine", "figure"}
    assert {path.rpartition(".")[0] for path in found["figure"]} == {f"{DDC}/figures/figure{n}" for n in (4, 5)}


@pytest.mark.parametrize(("system", "figures"), [("ddc_ap", {5}), ("vgg_fap", {4, 5}), ("vgg_gap", set())])
def test_a_changed_label_looks_again_into_the_figures_that_show_it(project, system, figures):
    found = outdated(project, changed(DDC, **{f"systems__{system}__label": "x"}))
    assert set(found) == ({"examine", "figure"} if figures else set())
    assert {path.rpartition(".")[0] for path in found.get("examine", ())} == {
        f"{DDC}/figures/figure{number}" for number in figures
    }


def test_another_order_of_classes_makes_the_features_of_its_corpora_again(project):
    fewer = "[Bark, Applause, Cough]"
    found = outdated(project, changed(DDC, classes=fewer))  # the order of the remix; the others have their own
    assert found["features"] == {f"{DDC}/features/remix"}
    assert variants(found["train"]) == {"remix_0db"}
    assert "corpus_tables" not in found and "recipes" not in found
    found = outdated(project, changed(DDC, corpora__desed__classes="[Cat, Blender]"))
    assert found["features"] == {f"{DDC}/features/desed"}
    assert variants(found["train"]) == {"desed"}


def test_what_trains_on_one_corpus_retrains_the_runs_on_it_alone(project):
    found = outdated(project, changed(DDC, training_on__dcase2017__epochs=3))
    assert variants(found["train"]) == variants(found["score"]) == {"dcase2017"}
    assert owners(found["train"]) == {DDC}
    assert {path.rpartition(".")[0] for path in found["table"]} == {f"{DDC}/tables/table8"}
    assert set(found) == {"train", "score", "table"}


def test_a_changed_threshold_of_detection_rescores_and_retrains_nothing(project):
    found = outdated(project, changed(DDC, detection__hysteresis__high=0.6))
    assert owners(found["score"]) == {DDC}
    assert variants(found["score"]) == {"remix_0db", "desed"}  # DCASE 2017 is scored by class thresholds
    assert set(found) == {"score", "table", "examine", "figure"}
    assert {path.partition(".")[0] for path in found["examine"]} == {f"{DDC}/figures/figure5"}
