"""What all methods of training share, beyond what test_supervised.py shows of supervised training."""

import math

import numpy as np
import pytest
import semi_supervised as small
import torch
from semi_supervised import FrameWise, clips, copied, crnn, fit, method, run_data, same
from torch import nn

from sedrepro.base.errors import SedreproError, SettingsError
from sedrepro.nn.output import Network, Output
from sedrepro.training.data import STRONG, UNLABELLED, WEAK, Clips
from sedrepro.training.loop import make_optimiser, take_over

MACRO_F1 = {"monitor": "macro_f1"}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Given(Network):
    """A network whose scores are given; two frames of features make one of scores."""

    time_reduction = 2

    def __init__(self, clip, frame) -> None:
        super().__init__()
        self.clip, self.frame = (torch.tensor(each, dtype=torch.float32) for each in (clip, frame))
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, logmel):
        return Output(self.clip[: len(logmel)], self.frame[: len(logmel)])


def trainer(network, **training):
    return small.trainer(network, method("mean_teacher"), run_data(clips()), training=training)


# --- the optimiser


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_the_optimiser_is_adam_as_published(dtype, tolerance):
    """Kingma and Ba 2015, Algorithm 1, while the rate changes; fused or not it is the same but for rounding."""
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(300, generator=generator, dtype=dtype)
    fused, plain = (nn.Parameter(start.clone()) for _ in range(2))
    optimisers = make_optimiser([fused], 0.01), torch.optim.Adam([plain], lr=0.01)
    weights, first, second = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    for step in range(1, 40):
        rate = 0.01 / (1 + step // 10)
        gradient = torch.randn(300, generator=generator, dtype=dtype)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        weights = weights - rate * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
        for weight, optimiser in zip((fused, plain), optimisers, strict=True):
            weight.grad, optimiser.param_groups[0]["lr"] = gradient.clone(), rate
            optimiser.step()
    torch.testing.assert_close(fused.detach(), weights, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(fused.detach(), plain.detach(), rtol=tolerance, atol=tolerance)


# --- macro F1

#: Four clips, two classes; features have five frames, of which the last is left over.
TARGETS = [[1, 0], [1, 1], [0, 1], [1, 0]]
CLIP_SCORES = [[0.5, 0.1], [0.2, 0.9], [0.8, 0.7], [0.9, 0.6]]
#: Class 0: two hits, one miss, one false alarm; class 1: two hits, one false alarm.
OF_CLIPS = (2 * 2 / (2 * 2 + 2) + 2 * 2 / (2 * 2 + 1)) / 2
#: The second and the fourth clip are strongly labelled; pooled by majority they have frames 1 1 and 0 1 of class 0.
ACTIVE = [
    [[0, 0]] * 5,
    [[1, 0], [1, 0], [1, 1], [0, 0], [0, 1]],
    [[0, 0]] * 5,
    [[0, 0], [0, 1], [1, 0], [1, 0], [1, 0]],
]
#: Frames of weakly labelled clips do not count.
FRAME_SCORES = [[[1, 1]] * 2, [[0.6, 0.1], [0.4, 0.5]], [[1, 1]] * 2, [[0.7, 0.7], [0.9, 0.2]]]
#: Class 0: references 1 1 0 1, found 1 0 1 1; class 1: references 0 1 1 0, found 0 1 1 0.
OF_FRAMES = (2 * 2 / (2 * 2 + 2) + 1) / 2


def selection(roles=(WEAK, STRONG, WEAK, STRONG), active=ACTIVE) -> Clips:
    frames = None if active is None else torch.tensor(active, dtype=torch.uint8)
    targets = torch.tensor(TARGETS, dtype=torch.float32)
    return Clips(torch.zeros(4, 5, small.MELS), targets, tuple("abcd"), np.array(roles, dtype=int), frames)


def examined(chosen: Clips, network=None) -> dict[str, float]:
    return trainer(network or Given(CLIP_SCORES, FRAME_SCORES), **MACRO_F1)._examine(chosen, 1)


def test_macro_f1_is_the_mean_of_that_of_clips_and_of_frames():
    assert examined(selection())["macro_f1"] == pytest.approx((OF_CLIPS + OF_FRAMES) / 2)


@pytest.mark.parametrize(
    "chosen",
    [
        selection(roles=(WEAK,) * 4),
        selection(roles=(WEAK, UNLABELLED, WEAK, UNLABELLED)),
        selection(roles=()),
        selection(active=None),
        selection(active=[[[0, 0]] * 5] * 4),
    ],
    ids=["weak clips", "unlabelled clips", "no roles", "no strong labels", "no active frame"],
)
def test_without_active_frames_macro_f1_is_that_of_clips(chosen):
    assert examined(chosen)["macro_f1"] == pytest.approx(OF_CLIPS)


def test_macro_f1_is_computed_where_it_is_monitored():
    network = Given(CLIP_SCORES, FRAME_SCORES)
    assert set(examined(selection())) == {"selection_loss", "micro_ap", "macro_f1"}
    assert set(trainer(network, monitor="loss")._examine(selection(), 1)) == {"selection_loss", "micro_ap"}


def test_a_class_without_a_positive_does_not_count():
    chosen = selection(roles=(WEAK,) * 4)
    chosen.targets[:, 1] = 0
    assert examined(chosen)["macro_f1"] == pytest.approx(2 * 2 / (2 * 2 + 2))


def test_the_epoch_of_the_highest_macro_f1_is_kept(monkeypatch):
    data = run_data(clips())
    made, values, seen = trainer(crnn(), **MACRO_F1), iter([0.3, 0.7, 0.7, 0.1]), []
    monkeypatch.setattr(made, "_macro_f1", lambda chosen, scored: next(values))
    progress = fit(made, data, lambda line: seen.append(copied(made.network)))
    assert (progress.best_epoch, progress.best_score) == (2, 0.7)
    assert same(made.network.state_dict(), seen[1])


# --- history, scores


def test_what_a_network_reports_stands_in_the_history():
    data = run_data(clips())
    made, seen = trainer(crnn(pooling="power", pooling_arguments={"n": 1.2})), []
    progress = fit(made, data, lambda line: seen.append(made.network.pooling.n.item()))
    assert [row["n"] for row in progress.history] == seen
    assert len({1.2, *seen}) == 5


def test_scores_of_all_batches_with_confidence():
    train, network = clips(), crnn(confidence=True)
    scored = trainer(network).scores(train, with_frames=True)
    with torch.no_grad():
        expected = network.eval()(train.features)
    np.testing.assert_allclose(scored.clip, expected.clip, rtol=1e-5)
    np.testing.assert_allclose(scored.frame, expected.frame, atol=1e-3)
    np.testing.assert_allclose(scored.confidence, expected.confidence, atol=1e-3)
    assert (scored.clip.dtype, scored.frame.dtype, scored.confidence.dtype) == (np.float32, np.float16, np.float16)
    alone = trainer(network).scores(train)
    assert alone.frame is None
    assert alone.confidence is None


@pytest.mark.parametrize("role", [WEAK, UNLABELLED])
def test_features_that_are_no_numbers_stop_training_whatever_the_clip(role):
    data = run_data(clips(weak=3, unlabelled=4, strong=3))
    data.train.features[data.train.rows(role)[0], 4, 5] = math.nan
    with pytest.raises(SedreproError, match="epoch 1: scores or losses are not finite"):
        fit(trainer(FrameWise()), data)


def test_frame_scores_alone_that_are_no_numbers_stop_training():
    class Broken(FrameWise):
        def forward(self, logmel):
            said = super().forward(logmel)
            said.frame = said.frame / 0 * 0
            return said

    with pytest.raises(SedreproError, match="epoch 1: scores or losses are not finite"):
        fit(trainer(Broken(small.REDUCTION)), run_data(clips()))


# --- weights of another run


def test_weights_are_taken_over():
    network, weights = crnn(), copied(crnn(seed=7))
    take_over(network, weights)
    assert same(network.state_dict(), weights)


@pytest.mark.parametrize("other", [FrameWise, lambda: crnn(filters=[5, 5])], ids=["another kind", "another size"])
def test_weights_of_another_network_are_refused_in_one_line(other):
    with pytest.raises(SettingsError) as caught:
        take_over(crnn(), copied(other()))
    assert str(caught.value).startswith("based_on: the weights are of another network (")
    assert "\n" not in str(caught.value)
