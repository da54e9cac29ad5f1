"""Poolings of instances, single and hierarchical: the frames of a clip, or its time-frequency bins, to clip scores.

A pooling maps values (batch, class, instance) in [0, 1], and features (batch, instance, feature) where it learns its
weights from them, to (batch, class). Each is a weighted mean, y = sum w_i x_i / sum w_i, and differs in its weights.
Values are in single precision or better: networks convert them first where autocast made them halves.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.typed import checked
from sedrepro.nn.blocks import he_uniform


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """sum w x / sum w over the last axis; 0 where all weights are 0, with finite gradients."""
    mass = weights.sum(dim=-1)
    # Squares of weights below this bound underflow, and quotients of what is left of them mean nothing.
    weightless = mass <= torch.finfo(mass.dtype).tiny ** 0.5
    return (weights * values).sum(dim=-1) / mass.masked_fill(weightless, 1)


def _squared_mean(weights: Tensor, counts: Tensor) -> Tensor:
    """Eq. 4 = A-2: sum w^2 / sum w, the weights' mean with themselves as weights."""
    return weighted_mean(weights, counts * weights)


def _plain_mean(weights: Tensor, counts: Tensor) -> Tensor:
    """Eq. A-1, the formula that the erratum withdraws: sum w / M."""
    return weighted_mean(weights, counts)


SEGMENT_WEIGHTS = {"corrected": _squared_mean, "mean": _plain_mean}


def pool_in_stages(
    values: Tensor, weights: Tensor, groups: Sequence[int] = (), segment_weights: str = "corrected"
) -> Tensor:
    """Weighted mean of the last axis in stages (He et al. 2019, eq. 3-5, Figure 4); see `HierarchicalPooling`.

    Without groups it is the single pooling (eq. 1). values and weights (batch, class, instance) -> (batch, class).
    """
    counts = values.new_ones(values.shape[-1])
    for size in groups:
        missing = -values.shape[-1] % size
        values, weights, counts = (
            nn.functional.pad(each, (0, missing)).unflatten(-1, (-1, size)) for each in (values, weights, counts)
        )
        values = weighted_mean(values, counts * weights)
        weights = SEGMENT_WEIGHTS[segment_weights](weights, counts)
        counts = counts.sum(dim=-1)
    # Rounding may leave [0, 1] by a bit where a device sums in another order, and a cross-entropy refuses that.
    return weighted_mean(values, counts * weights).clamp(0, 1)


class Pooling(nn.Module):
    """A weighted mean of instances; a subclass gives the weights.

    title, definition and weight are texts for reports: the pooling's name, its result y and its weight w_i (as Table 1
    of He et al. 2019 prints them). classes and features are the sizes that its tensors will have; only poolings that
    learn need them. The instances of a mask are its time-frequency bins, frame by frame.
    """

    title: ClassVar[str]
    definition: ClassVar[str]
    weight: ClassVar[str]

    def __init__(self, classes: int, features: int) -> None:
        super().__init__()

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Weights (batch, class, instance), never negative, on any scale common to the instances of a class."""
        raise NotImplementedError

    def forward(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Pool values (batch, class, instance) to (batch, class)."""
        return pool_in_stages(values, self.weights(values, features))

    def over_mel(self, masks: Tensor) -> Tensor:
        """Frame scores (batch, class, frame) of masks (batch, class, frame, mel): the mean (Kong et al. 2019)."""
        return masks.mean(dim=3)

    def reported(self) -> dict[str, float]:
        """Learned numbers that the history of a training shows, by name."""
        return {}


class MaxPooling(Pooling):
    """The largest instance; tied ones share weight and gradient."""

    title = "Max pooling"
    definition = "max x_i"
    weight = "1 if x_i = max x, else 0"

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """1 at the largest instance, 0 elsewhere."""
        return (values == values.amax(dim=-1, keepdim=True)).to(values.dtype)

    def forward(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Pool values (batch, class, instance) to (batch, class)."""
        return values.amax(dim=-1)


class MeanPooling(Pooling):
    """The mean of all instances."""

    title = "Average pooling"
    definition = "sum x_i / N"
    weight = "1 / N"

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """The same for all instances."""
        return torch.full_like(values, 1 / values.shape[-1])

    def forward(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Pool values (batch, class, instance) to (batch, class)."""
        return values.mean(dim=-1)


class LinearSoftmaxPooling(Pooling):
    """Instances weighted by themselves (Wang et al. 2019)."""

    title = "Linear softmax"
    definition = "sum x_i^2 / sum x_i"
    weight = "x_i"

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """The values."""
        return values


def _exponentials(logits: Tensor) -> Tensor:
    """Softmax weights over instances up to their scale; the largest is 1, so that none overflows."""
    return torch.exp(logits - logits.amax(dim=-1, keepdim=True).detach())


class ExponentialSoftmaxPooling(Pooling):
    """Instances weighted by their exponentials (Wang et al. 2019)."""

    title = "Exp. softmax"
    definition = "sum x_i exp(x_i) / sum exp(x_i)"
    weight = "exp(x_i)"

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Exponentials of the values."""
        return _exponentials(values)


class AttentionPooling(Pooling):
    """Weights that a dense layer learns from the features u, softmax over instances (He et al. 2019, Table 1)."""

    title = "Attention"
    definition = "sum w_i x_i / sum w_i"
    weight = "h(u_i)"

    def __init__(self, classes: int, features: int) -> None:
        super().__init__(classes, features)
        self.dense = nn.Linear(features, classes)

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Softmax weights from features (batch, instance, feature), in the layer's precision even under autocast."""
        return _exponentials(self._logits(values, features))

    def _logits(self, values: Tensor, features: Tensor | None) -> Tensor:
        """The dense layer's output (batch, class, instance)."""
        assert features is not None, "attention needs the features of the instances"
        with torch.autocast(values.device.type, enabled=False):
            return self.dense(features.to(self.dense.weight.dtype)).transpose(1, 2)


class ClassAttentionPooling(AttentionPooling):
    """Attention whose softmax runs over the classes of an instance, not over the instances of a class.

    So the official baseline of DCASE 2019 task 4 has it, which clamps the softmax to at least 1e-7. An instance then
    counts for a class as much as its features favour that class over the others.
    """

    title = "Attention over classes"
    weight = "h(u_i), softmax over classes"
    FLOOR = 1e-7

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Softmax over classes from features (batch, instance, feature), in the layer's precision under autocast."""
        return self._logits(values, features).softmax(dim=1).clamp(self.FLOOR, 1)


class AutoPooling(Pooling):
    """Softmax of alpha x, one learned alpha per class: 0 at first, which is the mean (McFee et al. 2018)."""

    title = "Auto-pooling"
    definition = "sum x_i exp(alpha x_i) / sum exp(alpha x_i)"
    weight = "exp(alpha x_i)"

    def __init__(self, classes: int, features: int) -> None:
        super().__init__(classes, features)
        self.alpha = nn.Parameter(torch.zeros(classes))

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Exponentials of alpha times the values."""
        return _exponentials(self.alpha[:, None] * values)


class FrequencyAutoPooling(Pooling):
    """Auto-pooling with one alpha per class and mel band, within (0, alpha_max) (Liu et al. 2021, Section 2.2).

    The instances are `mels` bands per frame; with one band it is auto-pooling of frames, bounded. The paper gives the
    bound, but neither how it is kept nor where alpha starts. By "sigmoid" alpha = alpha_max sigmoid(a) with a free: it
    stays inside the open interval whatever the optimiser does, and its gradient is nowhere 0. By "clamp" a free alpha
    is clamped where it is used, and has no gradient beyond the bound. The start 1 is the softmax.
    `frame_weights` are those of the mel bands in a frame score, see `over_mel`.

    Raises:
        SettingsError: `alpha_start` does not lie within (0, alpha_max), `mels` is no whole number of at least 1, or
            there is no such bound or no such weights (names the nearest).
    """

    BOUNDS: ClassVar[tuple[str, ...]] = ("sigmoid", "clamp")
    FRAME_WEIGHTS: ClassVar[tuple[str, ...]] = ("alpha", "equal")

    title = "Frequency-dependent auto-pooling"
    definition = "sum x_i exp(alpha(f_i) x_i) / sum exp(alpha(f_i) x_i)"
    weight = "exp(alpha(f_i) x_i)"

    @checked
    def __init__(
        self,
        classes: int,
        features: int,
        mels: int = 1,
        alpha_max: float = 10.0,
        alpha_start: float = 1.0,
        bound: str = "sigmoid",
        frame_weights: str = "alpha",
    ) -> None:
        super().__init__(classes, features)
        if not 0 < alpha_start < alpha_max < math.inf:
            raise SettingsError(f"alpha_max = {alpha_max} must be a number above {alpha_start}, where alpha starts")
        if mels < 1:
            raise SettingsError(f"mels = {mels} must be a whole number of at least 1")
        for name, given, known in (
            ("bound", bound, self.BOUNDS),
            ("frame_weights", frame_weights, self.FRAME_WEIGHTS),
        ):
            if given not in known:
                raise SettingsError(f"{name} '{given}' is unknown; {did_you_mean(given, known)}")
        self.alpha_max, self.bound, self.frame_weights = alpha_max, bound, frame_weights
        start = -math.log(alpha_max / alpha_start - 1) if bound == "sigmoid" else alpha_start
        self.free_alpha = nn.Parameter(torch.full((classes, mels), start))

    @property
    def alpha(self) -> Tensor:
        """alpha_k(f), (class, mel)."""
        if self.bound == "clamp":
            return self.free_alpha.clamp(0, self.alpha_max)
        return self.alpha_max * torch.sigmoid(self.free_alpha)

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Exponentials of each band's alpha times the values.

        Raises:
            ValueError: the instances are no whole number of frames.
        """
        alpha = self.alpha
        mels = alpha.shape[1]
        if values.shape[-1] % mels:
            raise ValueError(f"{values.shape[-1]} instances are no whole number of frames of {mels} mel bands")
        bins = values.unflatten(-1, (-1, mels))
        return _exponentials((alpha[:, None, :] * bins).flatten(-2))

    def over_mel(self, masks: Tensor) -> Tensor:
        """Frame scores (batch, class, frame) of masks (batch, class, frame, mel): sum_f w_k(f) M_k(t, f) (eq. 2).

        The paper calls w_k the learned vector and gives no scale. By "alpha", w_k(f) = alpha_k(f) / sum_f alpha_k(f),
        so that scores stay probabilities; by "equal", all bands count the same.
        """
        if self.frame_weights == "equal":
            return super().over_mel(masks)
        alpha = self.alpha
        weights = (alpha / alpha.sum(dim=1, keepdim=True)).to(masks.dtype)
        return (masks * weights[:, None, :]).sum(dim=3).clamp(0, 1)  # rounding may leave [0, 1] by a bit


class PowerPooling(Pooling):
    """Instances weighted by their n-th power, one learned n for all classes (Liu et al. 2020, eq. 3)."""

    title = "Power pooling"
    definition = "sum x_i^(n+1) / sum x_i^n"
    weight = "x_i^n"
    FLOOR = 1e-7  # of the values in the weights: x^n log x has no gradient at 0

    @checked
    def __init__(self, classes: int, features: int, n: float = 1.2) -> None:
        super().__init__(classes, features)
        self.n = nn.Parameter(torch.tensor(float(n)))

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Powers of the values, the largest of them scaled to 1."""
        return _exponentials(self.n * values.clamp(min=self.FLOOR).log())

    def reported(self) -> dict[str, float]:
        """The exponent n."""
        return {"n": self.n.item()}


class RankPooling(Pooling):
    """Global weighted rank pooling: weight r^j for the j-th largest (Kolesnikov & Lampert 2016; Kong et al. 2019).

    r = 0 is max pooling, r = 1 is average pooling.
    """

    title = "Global weighted rank pooling"
    definition = "sum r^j x_(j) / sum r^j with x_(0) >= x_(1) >= ..."
    weight = "r^(rank of x_i), 0 for the largest"

    @checked
    def __init__(self, classes: int, features: int, r: float) -> None:
        super().__init__(classes, features)
        if not 0 <= r <= 1:
            raise SettingsError(f"r = {r} must lie between 0 and 1")
        self.r = r

    def weights(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Powers of r by the rank of each instance."""
        ranks = values.argsort(dim=-1, descending=True).argsort(dim=-1)
        return (self.r ** ranks.double()).to(values.dtype)

    def forward(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Pool values (batch, class, instance) to (batch, class)."""
        ranked = values.sort(dim=-1, descending=True).values
        weights = self.r ** torch.arange(ranked.shape[-1], device=ranked.device, dtype=torch.float64)
        # Autocast would round the products, and with them the clip scores, to half precision; rounded weights may sum
        # to a bit more than 1.
        with torch.autocast(values.device.type, enabled=False):
            return (ranked @ (weights / weights.sum()).to(ranked.dtype)).clamp(0, 1)


class HierarchicalPooling(nn.Module):
    """A pooling in stages: groups (5, 5) pool 125 instances to 25, then 5, then 1 (He et al. 2019, Section 2.3).

    Each stage pools segments of the given size; the last pools all that is left. A segment's value is the weighted
    mean of its instances (eq. 3), its weight their "corrected" mean sum w^2 / sum w (eq. 4), or the plain "mean" of
    the erratum's withdrawn formula (A-1). The latter makes no difference to the single pooling at all: with it, w^ x^
    is a segment's sum w x up to a constant.

    Where a count does not divide, the last segment is shorter, and counts in the next stages for as many instances as
    it holds (the paper has no such case; where counts divide, all count the same, which is eq. 3-5 as printed). So
    max and average pooling stay what they are for any count. A segment whose weights are all 0 contributes nothing.
    values (batch, class, instance) -> (batch, class).

    Raises:
        SettingsError: a group size is not a whole number of at least 1, or `segment_weights` is unknown.
    """

    def __init__(self, single: Pooling, groups: Sequence[int], segment_weights: str = "corrected") -> None:
        super().__init__()
        if not isinstance(groups, list | tuple) or not all(type(size) is int and size >= 1 for size in groups):
            raise SettingsError(f"groups = {groups}: give a list of whole numbers of at least 1, as [5, 5]")
        if segment_weights not in SEGMENT_WEIGHTS:
            hint = did_you_mean(segment_weights, SEGMENT_WEIGHTS)
            raise SettingsError(f"segment_weights '{segment_weights}' is unknown; {hint}")
        self.single = single
        self.groups = tuple(groups)
        self.segment_weights = segment_weights

    def forward(self, values: Tensor, features: Tensor | None = None) -> Tensor:
        """Pool values (batch, class, instance) to (batch, class)."""
        return pool_in_stages(values, self.single.weights(values, features), self.groups, self.segment_weights)

    def over_mel(self, masks: Tensor) -> Tensor:
        """Frame scores (batch, class, frame) of masks (batch, class, frame, mel), as of the single pooling."""
        return self.single.over_mel(masks)

    def reported(self) -> dict[str, float]:
        """What the single pooling reports."""
        return self.single.reported()


POOLINGS: dict[str, type[Pooling]] = {
    "max": MaxPooling,
    "mean": MeanPooling,
    "linear": LinearSoftmaxPooling,
    "exponential": ExponentialSoftmaxPooling,
    "attention": AttentionPooling,
    "class_attention": ClassAttentionPooling,
    "auto": AutoPooling,
    "fap": FrequencyAutoPooling,
    "power": PowerPooling,
    "gwrp": RankPooling,
}
# What papers that pool masks call them.
ALIASES = {"gap": "mean", "gmp": "max"}


def pooling(
    name: str,
    classes: int,
    features: int,
    groups: Sequence[int] = (),
    segment_weights: str = "corrected",
    **arguments: Any,
) -> nn.Module:
    """A pooling by its name, hierarchical where `groups` are given: (values, features) -> (batch, class).

    Raises:
        SettingsError: the name, an argument or a group size is wrong.
    """
    if name not in POOLINGS | ALIASES:
        raise SettingsError(f"pooling '{name}' is unknown; {did_you_mean(name, POOLINGS | ALIASES)}")
    try:
        single = POOLINGS[ALIASES.get(name, name)](classes, features, **arguments)
    except (SettingsError, TypeError, ValueError) as error:
        raise SettingsError(f"pooling '{name}': {error}") from None
    hierarchical = HierarchicalPooling(single, groups, segment_weights)
    return hierarchical if groups else single


class TimeFrequencyAttention(nn.Module):
    """Attention pooling over all time-frequency bins (Ren et al. 2018, as released by Deshmukh et al. 2021).

    Attention: 1x1 convolution, sigmoid, clamped to the bounds, normalised over the bins. Classification: 1x1
    convolution, as it is ("linear") or "log_softmax" over classes. The clip score is the sigmoid of the weighted sum;
    behind a log-softmax, which is never positive, it is at most 0.5. Both convolutions start after He, but the
    attention's weights at 0: at first the pooling is the mean.
    (batch, channel, frame, mel) -> clip (batch, class), frame scores (batch, frame, class).

    Raises:
        SettingsError: there is no such classification (names the nearest), or the bounds are no part of [0, 1].
    """

    CLASSIFICATIONS: ClassVar[tuple[str, ...]] = ("log_softmax", "linear")

    def __init__(self, channels: int, classes: int, bounds: Sequence[float], classification: str) -> None:
        super().__init__()
        if classification not in self.CLASSIFICATIONS:
            hint = did_you_mean(classification, self.CLASSIFICATIONS)
            raise SettingsError(f"classification '{classification}' is unknown; {hint}")
        if len(bounds) != 2 or not 0 < bounds[0] < bounds[1] <= 1:
            raise SettingsError(
                f"attention_bounds = {list(bounds)}: give two, above 0 and up to 1, the lower one first"
            )
        self.bounds, self.log_softmax = tuple(bounds), classification == "log_softmax"
        self.attention = nn.Conv2d(channels, classes, 1)
        self.classification = nn.Conv2d(channels, classes, 1)
        he_uniform(self)
        nn.init.zeros_(self.attention.weight)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Clip and frame scores of feature `maps`."""
        weights = torch.sigmoid(self.attention(maps).float()).clamp(*self.bounds)
        evidence = self.classification(maps).float()
        if self.log_softmax:
            evidence = evidence.log_softmax(dim=1)
        clip = (evidence * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))
        frame = (evidence * weights).sum(dim=3) / weights.sum(dim=3)
        return torch.sigmoid(clip), torch.sigmoid(frame).transpose(1, 2)
