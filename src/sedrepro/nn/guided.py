"""Guided learning (Lin et al. 2020): a teacher with few frames and a student with many, each with class-wise attention.

The teacher, with a large receptive field, is there to tag clips, the student to place events in time; each learns from
the other's tags. The authors released their code for DCASE 2019 Task 4; the parts here follow it.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from sedrepro.base.typed import Dropout, Widths, checked
from sedrepro.nn.blocks import as_image, glorot_uniform, norm_arguments, pooling_reductions
from sedrepro.nn.output import Network, Output


class GuidedEncoder(nn.Module):
    """Batch norm of the mel bands, blocks of convolutions, each with max-pooling, and the channels of each mel band.

    Block by block: `convolutions` of [convolution without bias of `filters` and of a square kernel of `kernels`, batch
    norm, ReLU], max-pooling of `poolings` (frame, mel), `dropout`. (The released convolutions have a bias, which does
    nothing before their batch norm.) Features are stacked mel band by mel band, as released: the first ones are
    channels of the lowest band. `batch_norm` says whose defaults that has: see `norm_arguments`.
    (batch, frame, mel) -> (batch, frame // time_reduction, feature); `features` is their number.

    Raises:
        SettingsError: the batch norm is unknown (names the nearest).
        ValueError: the lists differ in length, or the features are smaller than the poolings.
    """

    @checked
    def __init__(
        self,
        frames: int,
        mels: int,
        filters: Widths,
        convolutions: Widths,
        kernels: Widths,
        poolings: Sequence[Sequence[int]],
        dropout: Dropout,
        batch_norm: str = "torch",
    ) -> None:
        super().__init__()
        lengths = [len(each) for each in (filters, convolutions, kernels, poolings)]
        if not filters or len(set(lengths)) > 1:
            raise ValueError(
                "{} filters, {} convolutions, {} kernels, {} poolings; give one of each per block".format(*lengths)
            )
        self.time_reduction, mel_reduction = pooling_reductions(poolings, frames, mels)
        self.features = filters[-1] * (mels // mel_reduction)
        self.norm = nn.BatchNorm1d(mels, **norm_arguments(batch_norm))
        self.blocks = nn.Sequential(
            *(
                _block(*channels, count, kernel, (pooling[0], pooling[1]), dropout, batch_norm)
                for channels, count, kernel, pooling in zip(
                    pairwise((1, *filters)), convolutions, kernels, poolings, strict=True
                )
            )
        )

    def forward(self, logmel: Tensor) -> Tensor:
        """Features of standardised log-mel features."""
        normed = self.norm(logmel.transpose(1, 2)).transpose(1, 2)
        return self.blocks(as_image(normed)).permute(0, 2, 3, 1).flatten(2)


def _block(
    channels_in: int,
    channels_out: int,
    count: int,
    kernel: int,
    pooling: tuple[int, int],
    dropout: float,
    batch_norm: str,
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for source in (channels_in, *[channels_out] * (count - 1)):
        layers += [
            nn.Conv2d(source, channels_out, kernel, padding="same", bias=False),
            nn.BatchNorm2d(channels_out, **norm_arguments(batch_norm)),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.MaxPool2d(pooling), nn.Dropout(dropout))


def disentangled_sizes(single_class_clips: Sequence[int], features: int, smallest_share: float) -> list[int]:
    """How many of the `features` each class may use, in proportion to the clips that have this class and no other.

    k_c = floor(features (m + (1 - m) n_c / max n)), at least 1, with m the `smallest_share` and n_c the labelled
    training clips whose only class is c: a class that mostly sounds with others gets a small part of the features, so
    that theirs do not speak for it (Lin et al. 2020, as released).

    Raises:
        ValueError: there is no such clip, a count is negative, or the share is not in [0, 1].
    """
    largest = max(single_class_clips, default=0)
    if largest < 1 or min(single_class_clips) < 0 or not 0 <= smallest_share <= 1:
        raise ValueError(
            f"clips of a single class {list(single_class_clips)}, smallest share {smallest_share}: "
            "give counts of which one is positive, and a share from 0 to 1"
        )
    shares = (smallest_share + (1 - smallest_share) * count / largest for count in single_class_clips)
    return [max(1, math.floor(round(features * share, 9))) for share in shares]  # 3.9999... is 4


class ClassWiseAttention(nn.Module):
    """Class-wise attention pooling (cATP) of disentangled features (Lin et al. 2020, as released).

    Class c sees the first `sizes`[c] = k_c features x_t of a frame, all where no sizes are given. Its evidence
    e_t = w x_t + b, which starts as 0, is its frame score, sigmoid(e_t), and its attention, softmax over frames of
    e_t / k_c; sigmoid of a dense layer on the weighted sum of the x_t is its clip score. All classes are computed at
    once, with weights that are 0 beyond k_c.
    (batch, frame, feature) -> clip (batch, class), frame (batch, frame, class).

    Raises:
        ValueError: there is not one size per class, or one is not from 1 to the number of features.
    """

    def __init__(self, features: int, classes: int, sizes: Sequence[int] | None = None) -> None:
        super().__init__()
        sizes = [features] * classes if sizes is None else list(sizes)
        if len(sizes) != classes or not all(1 <= size <= features for size in sizes):
            raise ValueError(f"sizes {sizes}: give one from 1 to {features} for each of the {classes} classes")
        self.seen: Tensor
        self.sizes: Tensor
        counts = torch.tensor(sizes)
        self.register_buffer("seen", torch.arange(features) < counts[:, None], persistent=False)
        self.register_buffer("sizes", counts, persistent=False)
        bound = (6 / (counts[:, None] + 1)).sqrt()  # Glorot's, of a dense layer with one unit
        self.evidence = nn.Parameter(torch.zeros(classes, features))
        self.evidence_bias = nn.Parameter(torch.zeros(classes))
        self.tagging = nn.Parameter(bound * (2 * torch.rand(classes, features) - 1) * self.seen)
        self.tagging_bias = nn.Parameter(torch.zeros(classes))

    def forward(self, features: Tensor) -> Output:
        """Scores of `features`, in the weights' precision even under autocast."""
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.evidence.dtype)
            evidence = features @ (self.evidence * self.seen).T + self.evidence_bias
            attention = torch.softmax(evidence / self.sizes, dim=1)
            attended = attention.transpose(1, 2) @ features
            clip = (attended * (self.tagging * self.seen)).sum(dim=2) + self.tagging_bias
            return Output(torch.sigmoid(clip), torch.sigmoid(evidence))


class Branch(nn.Module):
    """An encoder and what scores its features: teacher or student of a `TeacherStudent`.

    Once it is to `distil`, features transformed for that, F W (Liang et al., eq. 2), stand in the output's maps as
    "features", (batch, frame, width).
    """

    def __init__(self, encoder: GuidedEncoder, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.transform: nn.Linear | None = None

    def distil(self, width: int) -> None:
        """Transform features to this width by a W whose weights start as in Keras."""
        self.transform = nn.Linear(self.encoder.features, width, bias=False)
        glorot_uniform(self.transform)

    def forward(self, logmel: Tensor) -> Output:
        """Scores of standardised log-mel features."""
        features = self.encoder(logmel)
        output = self.head(features)
        if self.transform is not None:
            with torch.autocast(features.device.type, enabled=False):  # distances are small differences
                output.maps["features"] = self.transform(features.to(self.transform.weight.dtype))
        return output


class TeacherStudent(Network):
    """Two networks that are trained together; the scores are the student's, `Output.teacher` has the teacher's.

    Features are (batch, frame, mel). A frame of the teacher is a whole number of the student's; `frames` is their
    number in a clip.

    Raises:
        ValueError: the frames of a clip do not divide into the teacher's, or those not into the student's.
    """

    def __init__(self, frames: int, teacher: Branch, student: Branch) -> None:
        super().__init__()
        long, short = teacher.encoder.time_reduction, student.encoder.time_reduction
        if frames % long or long % short:
            raise ValueError(
                f"poolings over {long} frames in the teacher and {short} in the student do not divide "
                f"{frames} frames evenly; change the poolings"
            )
        self.time_reduction = short
        self.teacher, self.student = teacher, student

    def forward(self, logmel: Tensor, teacher_input: Tensor | None = None) -> Output:
        """Scores of standardised log-mel features; the teacher's are of `teacher_input` (with noise) where given."""
        output = self.student(logmel)
        output.teacher = self.teacher(logmel if teacher_input is None else teacher_input)
        return output
