"""What a small scale may not change: what the figures and tables of a paper are about."""

import itertools

import pytest

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper

NAMES = ("c_ssed", "ddc_fap", "hierarchical_pooling", "joint_at_aed", "two_step_attention")
SMALL = (("miniature", "cpu"), ("recordings", "cpu"), ("recordings", "gpu"))
#: Of a method of training these follow the number of epochs, of frames, or of clips.
OF_SIZE = {"shift_frames", "start", "base", "composition"}
CASES = list(itertools.product(NAMES, SMALL))
IDS = [f"{name} {scale} {budget}" for name, (scale, budget) in CASES]


def loaded(name, scale, budget):
    given = {"scale": scale, "folds": [1], "seeds": [1], "data_root": ".", "budget": budget}
    return load_paper(name, make_config(given, "test"))


def found(arguments, wanted):
    """Values of the wanted keys, however deep they stand, by their path."""
    values = {}
    for key, value in arguments.items():
        if isinstance(value, dict):
            values |= {f"{key}.{path}": inner for path, inner in found(value, wanted).items()}
        elif key in wanted:
            values[key] = value
    return values


@pytest.fixture(scope="module")
def full():
    return {name: loaded(name, "full", "gpu") for name in NAMES}


@pytest.mark.parametrize(("name", "scale"), CASES, ids=IDS)
def test_dropout_and_poolings_are_as_published(full, name, scale):
    small, wanted = loaded(name, *scale), {"dropout", "pooling", "groups", "segment_weights", "pooling_arguments"}
    for system in small.settings.systems:
        published, ours = (found(paper.run(system).arguments, wanted) for paper in (full[name], small))
        assert ours == published, system


@pytest.mark.parametrize(("name", "scale"), CASES, ids=IDS)
def test_losses_and_what_picks_the_epoch_are_as_published(full, name, scale):
    small = loaded(name, *scale)
    for system in small.settings.systems:
        published, ours = (paper.run(system) for paper in (full[name], small))
        assert ours.loss_weights == published.loss_weights
        picks = {"monitor", "balance", "stop_patience", "select_on"}
        assert ours.training.model_dump(include=picks) == published.training.model_dump(include=picks)
        methods = [run.training.method.model_dump(exclude=OF_SIZE) for run in (published, ours)]
        assert methods[0] == methods[1], system


@pytest.mark.parametrize(("name", "scale"), CASES, ids=IDS)
def test_batches_have_the_published_shares_of_each_kind_of_clip(full, name, scale):
    small = loaded(name, *scale)
    for system in small.settings.systems:
        both = [getattr(paper.run(system).training.method, "composition", None) for paper in (full[name], small)]
        if both[0] is not None:
            shares = [{kind: count / each.total for kind, count in each.model_dump().items()} for each in both]
            assert shares[0] == pytest.approx(shares[1]), system


def falls(paper, system, variant, clips):
    """How often a learning rate falls that does so every so many batches."""
    training = paper.run(system, variant).training
    return clips * training.epochs / training.batch_size / training.schedule.iterations


@pytest.mark.parametrize("scale", SMALL, ids=str)
def test_the_learning_rate_of_ddc_fap_falls_ten_times(full, scale):
    small = loaded("ddc_fap", *scale)
    for paper, others in ((full["ddc_fap"], {"desed": 1578, "dcase2017": 51172}), (small, None)):
        on_remix = 3 * paper.settings.corpora["remix"].mixtures_per_fold
        assert falls(paper, "vgg_fap", "remix_0db", on_remix) == pytest.approx(10, rel=0.15)
        of_small = {"desed": 60, "dcase2017": 136} if scale[0] == "miniature" else {"desed": 160, "dcase2017": 240}
        for variant, clips in (others or of_small).items():
            assert falls(paper, "vgg_fap", variant, clips) == pytest.approx(10, rel=0.15), variant


@pytest.mark.parametrize(("name", "scale"), list(itertools.product(("ddc_fap", "two_step_attention"), SMALL)), ids=str)
def test_the_last_bin_weighs_as_much_in_rank_pooling_whatever_their_number(full, name, scale):
    small = loaded(name, *scale)
    last = []
    for paper in (full[name], small):
        front_end = paper.settings.front_end
        last.append(paper.run("vgg_gwrp").arguments["r"] ** (front_end.n_frames * front_end.n_mels))
    assert last[1] == pytest.approx(last[0], rel=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_a_rehearsal_is_as_published_but_for_its_share_of_mixtures(name):
    given = {"folds": [1], "seeds": [1], "data_root": "."}
    published = load_paper(name, make_config(given | {"scale": "full"}, "test")).settings
    assert load_paper(name, make_config(given | {"scale": "rehearsal"}, "test")).settings == published
    part = load_paper(name, make_config(given | {"scale": "rehearsal", "share": 0.1}, "test")).settings
    assert part.model_copy(update={"corpora": published.corpora}) == published
    for corpus, settings in part.corpora.items():
        if hasattr(settings, "mixtures_per_fold"):
            assert settings.mixtures_per_fold == round(0.1 * published.corpora[corpus].mixtures_per_fold)
