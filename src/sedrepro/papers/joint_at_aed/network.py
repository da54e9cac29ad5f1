"""The networks of the joint tagging and detection paper (Liang et al. 2021), Section II-A and Figure 1."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from sedrepro.base.typed import Width, checked
from sedrepro.nn.blocks import glorot_uniform
from sedrepro.nn.crnn import Crnn
from sedrepro.nn.guided import Branch, ClassWiseAttention, GuidedEncoder, TeacherStudent, disentangled_sizes
from sedrepro.nn.output import Network, Output, chosen_network
from sedrepro.nn.poolings import pooling as make_pooling


class JointHead(nn.Module):
    """Detection and tagging as two branches on the features of convolutions (Section II-A).

    Detection: a dense layer of `hidden` units with ReLU, and one small dense layer with a sigmoid per class. Each of
    these has one unit (the paper gives no size), so together they are one matrix. Tagging: two BiGRU layers of
    `recurrent` units per direction; their output beside their input goes through another dense layer of `hidden` units
    with ReLU to attention pooling, that of the mean teacher of 2018, whose softmax runs over classes. ReLU is assumed:
    without it the dense layers before a linear one could do nothing.
    (batch, frame, feature) -> clip (batch, class), frame (batch, frame, class), the detection scores.
    """

    RECURRENT_LAYERS = 2

    def __init__(self, features: int, classes: int, hidden: int, recurrent: int) -> None:
        super().__init__()
        self.detection = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, classes))
        self.recurrent = nn.GRU(features, recurrent, self.RECURRENT_LAYERS, batch_first=True, bidirectional=True)
        self.tagging = nn.Sequential(nn.Linear(features + 2 * recurrent, hidden), nn.ReLU(inplace=True))
        self.tags = nn.Linear(hidden, classes)
        self.pooling = make_pooling("class_attention", classes, hidden)

    def forward(self, features: Tensor) -> Output:
        """Scores of `features`, in single precision even under autocast."""
        hidden, _ = self.recurrent(features)
        tagging = self.tagging(torch.cat([features, hidden.to(features.dtype)], dim=2))
        with torch.autocast(features.device.type, enabled=False):  # halves would tie scores
            dtype = self.tags.weight.dtype
            frame = torch.sigmoid(self.detection(features.to(dtype)))
            tagging = tagging.to(dtype)
            clip = self.pooling(torch.sigmoid(self.tags(tagging)).transpose(1, 2), tagging)
        return Output(clip, frame)


@checked
def guided(
    classes: int,
    frames: int,
    mels: int,
    teacher: Mapping[str, Any],
    student: Mapping[str, Any],
    single_class_clips: Sequence[int] | None = None,
    smallest_share: float = 0.04,
    batch_norm: str = "keras",
) -> TeacherStudent:
    """Guided learning (GL): both parts with class-wise attention, of disentangled features where clips are counted."""

    def branch(encoding: Mapping[str, Any]) -> Branch:
        encoder = GuidedEncoder(frames, mels, **encoding, batch_norm=batch_norm)
        clips = single_class_clips
        sizes = None if clips is None else disentangled_sizes(clips, encoder.features, smallest_share)
        return Branch(encoder, ClassWiseAttention(encoder.features, classes, sizes))

    made = TeacherStudent(frames, branch(teacher), branch(student))
    glorot_uniform(made)
    return made


@checked
def joint(
    classes: int,
    frames: int,
    mels: int,
    teacher: Mapping[str, Any],
    student: Mapping[str, Any],
    hidden: Width,
    recurrent: Width,
    distilled: Annotated[int, Field(ge=0)] = 0,
    batch_norm: str = "keras",
) -> TeacherStudent:
    """The paper's teacher and student (PTS): the encoders of GL, with `JointHead`s of their own.

    All other weights start as without `distilled`, the width of the features that are transformed for distillation.
    """

    def branch(encoding: Mapping[str, Any]) -> Branch:
        encoder = GuidedEncoder(frames, mels, **encoding, batch_norm=batch_norm)
        return Branch(encoder, JointHead(encoder.features, classes, hidden, recurrent))

    made = TeacherStudent(frames, branch(teacher), branch(student))
    glorot_uniform(made)
    if distilled:
        for each in (made.teacher, made.student):
            each.distil(distilled)
    return made


def build(
    network: str, arguments: dict, loss_weights: dict[str, float], classes: int, frames: int, mels: int
) -> Network:
    """The network of a system; none has auxiliary losses. Teacher and student start as in Keras (Glorot), as GL's.

    Raises:
        SettingsError: there is no such network (names the nearest).
        TypeError: an argument is unknown to the network.
        ValueError: the features do not fit the poolings, or counts of clips not the classes.
    """
    builders: dict[str, Callable[..., Network]] = {
        "guided": partial(guided, classes, frames, mels),
        "joint": partial(joint, classes, frames, mels),
        "crnn": partial(Crnn, classes, frames, mels),
    }
    return chosen_network(builders, network, arguments)
