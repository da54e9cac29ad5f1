from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import load_paper
from sedrepro.papers.two_step_attention.network import AttentionStep, TwoStepAttention, TwoStepNetwork, build
from sedrepro.training.data import Clips
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.supervised import SupervisedTrainer

ROOT = Path(__file__).parents[3]
PAPER = "two_step_attention"
TWO_STEP = {"channels": (4, 6), "decode_from": "encoder"}
AS_RELEASED = {"inner_sigmoid": False, "classification_sigmoid": True}
BY_EQUATIONS = {"inner_sigmoid": True, "classification_sigmoid": False}
either = pytest.mark.parametrize("sigmoids", [AS_RELEASED, BY_EQUATIONS], ids=["as released", "by the equations"])


def paper(scale="full", **overrides):
    given = {"scale": scale, "folds": [1], "seeds": [1], "data_root": ROOT, "set": {PAPER: overrides}}
    return load_paper(PAPER, make_config(given, "test"))


def values(shape, seed=0, size=1.0) -> torch.Tensor:
    return size * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def step(length, inner_sigmoid=False, size=1.0, seed=0, classification_sigmoid=True) -> AttentionStep:
    torch.manual_seed(seed)
    made = AttentionStep(length, inner_sigmoid, classification_sigmoid).double()
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(size)
    return made


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


# --- sizes at full width


@pytest.mark.parametrize(
    ("system", "count"),
    [
        ("vgg_gap", 587_593),
        ("vgg_gmp", 587_593),
        ("vgg_gwrp", 587_593),
        ("atrous_ap", 1_047_570),
        ("2ap_alpha_0", 1_967_366),
        ("2ap_alpha_0.001", 1_967_366),
    ],
)
def test_networks_have_as_many_parameters_as_the_released_ones(system, count):
    full = paper()
    network = build_network(full, system, len(full.settings.classes), 0)
    assert sum(p.numel() for p in network.parameters()) == count


def test_parts_of_the_two_step_network_have_as_many_parameters_as_released():
    network = build_network(paper(), "2ap_alpha_0.001", 41, 0)
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    assert counts["encoder"] + counts["classes"] == 1_183_177
    assert counts["decoder"] == 581_805
    assert counts["pooling"] == 202_384


def test_equal_seeds_give_equal_networks():
    first, again, other = (build_network(paper("miniature"), "2ap_alpha_0.001", 5, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


# --- one attention step


@settings(deadline=None)
@given(st.integers(1, 12), st.booleans(), st.floats(0.1, 50), st.integers(0, 99))
def test_weights_of_a_step_are_a_distribution_and_the_result_a_probability(length, inner_sigmoid, size, seed):
    pooled, weights = step(length, inner_sigmoid, size, seed)(values((2, 3, length), seed, size))
    assert weights.shape == (2, 3, length)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 3, dtype=torch.float64))
    assert ((pooled >= 0) & (pooled <= 1 + 1e-12)).all()


@settings(deadline=None)
@given(st.floats(0.1, 1000), st.integers(0, 99))
def test_the_inner_sigmoid_keeps_weights_within_a_factor_of_e(size, seed):
    _, weights = step(8, True, size, seed)(values((5, 8), seed, size))
    assert (weights.amax(dim=-1) / weights.amin(dim=-1) <= np.e * (1 + 1e-12)).all()


def test_without_the_inner_sigmoid_weights_may_differ_by_more():
    _, weights = step(8, False, 30.0)(values((5, 8), size=30.0))
    assert (weights.amax(dim=-1) / weights.amin(dim=-1).clamp(min=1e-30) > np.e).all()


def test_at_311_frames_the_inner_sigmoid_leaves_an_event_of_two_seconds_at_most_two_fifths_of_the_weights():
    frames, event = 311, 62
    made = step(frames, True)
    nn.init.zeros_(made.attention.weight)
    with torch.no_grad():
        made.attention.bias[:event], made.attention.bias[event:] = 50.0, -50.0
    _, weights = made(torch.zeros(1, frames, dtype=torch.float64))
    assert weights.min().item() == pytest.approx(1 / (event * np.e + frames - event), rel=1e-6)
    assert weights[0, :event].sum().item() == pytest.approx(0.404, abs=5e-4)


@pytest.mark.parametrize("inner_sigmoid", [True, False])
def test_zero_attention_is_the_mean_of_the_classification(inner_sigmoid):
    attention, given = step(6, inner_sigmoid), values((2, 3, 6))
    nn.init.zeros_(attention.attention.weight)
    nn.init.zeros_(attention.attention.bias)
    pooled, weights = attention(given)
    torch.testing.assert_close(weights, torch.full_like(weights, 1 / 6))
    torch.testing.assert_close(pooled, torch.sigmoid(attention.classification(given)).mean(dim=-1))
    attention.classification_sigmoid = False
    torch.testing.assert_close(attention(given)[0], attention.classification(given).mean(dim=-1))


# --- both steps


def two_steps(
    z: np.ndarray, w: dict[str, np.ndarray], inner_sigmoid: bool, classification_sigmoid: bool
) -> tuple[np.ndarray, ...]:
    """Both steps for one class map (mel, frame), bin by bin; results of linear classifications are logits."""

    def attend(x: np.ndarray, name: str) -> tuple[float, np.ndarray]:
        logits = w[f"{name}.attention.weight"] @ x + w[f"{name}.attention.bias"]
        powers = np.exp(sigmoid(logits) if inner_sigmoid else logits)
        attention = powers / powers.sum()
        classification = w[f"{name}.classification.weight"] @ x + w[f"{name}.classification.bias"]
        if classification_sigmoid:
            classification = sigmoid(classification)
        return float((classification * attention).sum()), attention

    steps = [attend(z[:, t], "frequency") for t in range(z.shape[1])]
    frame = np.array([pooled for pooled, _ in steps])
    clip, time_weights = attend(frame, "time")
    if not classification_sigmoid:
        clip, frame = sigmoid(clip), sigmoid(frame)
    return np.clip(clip, 0, 1), frame, np.stack([a for _, a in steps]), time_weights


@either
@settings(deadline=None, max_examples=40)
@given(st.integers(1, 7), st.integers(1, 6), st.integers(0, 99))
def test_two_step_attention_is_what_the_release_and_what_equations_4_to_7_say(sigmoids, frames, mels, seed):
    torch.manual_seed(seed)
    pooling = TwoStepAttention(frames, mels, **sigmoids).double()
    maps = values((2, 3, frames, mels), seed, 3.0)
    with torch.no_grad():
        results = [tensor.numpy() for tensor in pooling(maps)]
    weights = {name: tensor.numpy() for name, tensor in pooling.state_dict().items()}
    for b in range(2):
        for c in range(3):
            expected = two_steps(maps[b, c].numpy().T, weights, **sigmoids)
            for ours, theirs in zip(results, expected, strict=True):
                np.testing.assert_allclose(ours[b, c], theirs, rtol=1e-10)


def test_both_steps_share_their_maps_between_classes():
    pooling = TwoStepAttention(5, 4, **AS_RELEASED).double()
    maps = values((1, 3, 5, 4))
    order = [2, 0, 1]
    torch.testing.assert_close(pooling(maps[:, order])[0], pooling(maps)[0][:, order])


# --- the network


def network(loss_weights=None, **arguments) -> TwoStepNetwork:
    torch.manual_seed(0)
    return build("two_step", TWO_STEP | AS_RELEASED | arguments, loss_weights or {}, classes=3, frames=9, mels=6)


@either
@given(st.integers(0, 20), st.floats(0.1, 100))
@settings(deadline=None, max_examples=8)
def test_clip_scores_are_probabilities_and_the_reconstruction_is_never_negative(sigmoids, seed, size):
    logmel = values((2, 9, 6), seed, size).float()
    output = network(**sigmoids).eval()(logmel, explain=True)
    assert output.clip.shape == (2, 3)
    assert output.frame.shape == (2, 9, 3)
    assert network().time_reduction == 1
    for scores in (output.clip, output.frame):
        assert ((scores >= 0) & (scores <= 1)).all()
    reconstruction = output.maps["reconstruction"]
    assert reconstruction.shape == logmel.shape
    assert (reconstruction >= 0).all()
    torch.testing.assert_close(output.losses["reconstruction"], ((reconstruction - logmel) ** 2).mean())


def test_clip_scores_by_the_equations_have_a_gradient_whatever_they_are():
    """Clamped into [0, 1], those below 0 would have none, and training would stop there."""
    made = network({"reconstruction": 0}, **BY_EQUATIONS)
    for bias in (-5.0, 5.0):
        nn.init.constant_(made.pooling.time.classification.bias, bias)
        clip = made(values((2, 9, 6)).float()).clip
        (gradient,) = torch.autograd.grad(clip.sum(), made.classes.weight)
        assert gradient.abs().max() > 0


@pytest.mark.parametrize(("start", "first"), [("encoder", 6), ("class_maps", 3)])
def test_the_decoder_mirrors_the_encoder_and_starts_where_it_is_said_to(start, first):
    made = network({"reconstruction": 1}, decode_from=start)
    convolutions = [layer for layer in made.decoder.modules() if isinstance(layer, nn.Conv2d)]
    channels = [(layer.in_channels, layer.out_channels) for layer in convolutions]
    assert channels == [(first, 4), (4, 4), (4, 1), (1, 1)]
    loss = made(values((2, 9, 6)).float()).losses["reconstruction"]
    gradient = torch.autograd.grad(loss, made.classes.weight, allow_unused=True)[0]
    assert (gradient is not None) == (start == "class_maps")


def test_an_unknown_start_of_the_decoder_names_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'encoder'"):
        network(decode_from="encodr")


def test_only_a_weighted_reconstruction_is_computed():
    logmel = values((2, 9, 6)).float()
    assert network({"reconstruction": 0}).eval()(logmel).losses == {}
    assert network().eval()(logmel).losses == {}
    assert set(network({"reconstruction": 0.1}).eval()(logmel).losses) == {"reconstruction"}


def test_other_lengths_are_refused_by_the_time_step():
    with pytest.raises(RuntimeError):
        network().eval()(torch.zeros(1, 10, 6))


def clips(seed=0, count=8) -> Clips:
    features = values((count, 9, 6), seed).float()
    targets = (torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) < 0.5).float()
    return Clips(features, targets, tuple(f"{i}.wav" for i in range(count)))


def trained(made: TwoStepNetwork, alpha: float) -> dict[str, torch.Tensor]:
    small = {"training.epochs": 3, "training.batch_size": 3, "systems.2ap_alpha_0.1.loss_weights.reconstruction": alpha}
    run = paper("miniature", **small).run("2ap_alpha_0.1")
    SupervisedTrainer(made, run, RunSeeds(1, 1), torch.device("cpu")).fit(clips(), clips(1), log=lambda line: None)
    return {name: w for name, w in made.state_dict().items() if not name.startswith("decoder")}


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_alpha_zero_trains_bit_for_bit_like_a_network_without_decoder():
    without = network()
    without.decoder = nn.Identity()
    expected = trained(without, 0)
    assert equal(trained(network({"reconstruction": 0}), 0), expected)
    # Even where the decoder runs, its loss must not touch the clip scores.
    assert equal(trained(network({"reconstruction": 1}), 0), expected)
    assert not equal(trained(network({"reconstruction": 0.1}), 0.1), expected)


# --- wrong settings


@pytest.mark.parametrize("name", ["two_stp", "vgg", "", "twostep"])
def test_an_unknown_network_is_refused(name):
    with pytest.raises(SettingsError) as caught:
        build(name, TWO_STEP, {}, 3, 9, 6)
    assert f"network '{name}' is unknown" in str(caught.value)


def test_a_nearly_right_network_names_the_right_one():
    with pytest.raises(SettingsError, match=r"did you mean 'two_step'\?"):
        build("two_stp", TWO_STEP, {}, 3, 9, 6)


@pytest.mark.parametrize(
    ("overrides", "word"),
    [
        ({"networks.two_step": {"channels": [4], "inner_sigmoid": True, "dropout": 0.5}}, "dropout"),
        ({"networks.two_step": {"channels": [4]}}, "inner_sigmoid"),
        ({"networks.two_step.channels": 4}, "2ap_alpha_0"),
        ({"networks.two_step.channels": [4, -1]}, "2ap_alpha_0"),
        ({"networks.two_step.channels": ["many"]}, "2ap_alpha_0"),
        ({"networks.two_step.channels": []}, "2ap_alpha_0"),
    ],
)
def test_wrong_network_arguments_name_the_system_in_one_line(overrides, word):
    with pytest.raises(SettingsError) as caught:
        build_network(paper("miniature", **overrides), "2ap_alpha_0", 3, 0)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
