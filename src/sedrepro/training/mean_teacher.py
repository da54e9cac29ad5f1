"""Mean teacher on weakly labelled, unlabelled and strongly labelled clips (Tarvainen & Valpola 2017; JiaKai 2018)."""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, mse_loss

from sedrepro.nn.output import Network, Output
from sedrepro.training.augmentation import make_noise, shift_in_time, time_shifts
from sedrepro.training.averaging import ema_decay, ramp_up, update_average
from sedrepro.training.data import ROLES, Clips, RunData
from sedrepro.training.frame_labels import pool_labels
from sedrepro.training.loop import Base, Trainer
from sedrepro.training.losses import summed
from sedrepro.training.settings import OfMeanTeacher
from sedrepro.training.streams import stream_batches


class MeanTeacherTrainer(Trainer):
    """The student learns from labels, and to agree with the running average of itself.

    Loss: binary cross-entropy of the weak clips' clip scores and of the strong clips' frame scores, and, of all clips,
    the mean squared differences of clip and frame scores from the teacher's, whose weight rises with the steps (Liu et
    al. 2020, eq. 6, 7 and 9 without confidence); where the settings say so, the clip scores of strong clips learn too.
    Teacher and student hear the same shift in time. Both are in training mode, so each normalises by its own batches.
    What is kept and evaluated is the student, or the teacher where the settings say so.
    """

    @property
    def method(self) -> OfMeanTeacher:
        """How it trains."""
        return self._settings(OfMeanTeacher)

    def prepare(self, data: RunData, base: Base | None, another: Callable[[], Network]) -> None:
        """Make the teacher and the noise."""
        method = self.method
        self.noise = make_noise(method.noise, data, self.run.front_end, self.device)
        first = another() if method.teacher_start == "independent" else copy.deepcopy(self.network)
        # A copied GRU has its weights scattered, which cuDNN would gather in every step; `to` lays them side by side.
        self.teacher = first.to(self.device).requires_grad_(False)
        weak, unlabelled, _ = method.composition.model_dump().values()
        self.weak, self.strong = slice(0, weak), slice(weak + unlabelled, None)

    def _kept(self) -> Network:
        return self.teacher if self.method.kept == "teacher" else self.network

    def _modules(self) -> dict[str, nn.Module]:
        return {"network": self.network, "teacher": self.teacher}

    def _batches(self, train: Clips, epoch: int) -> Sequence[Tensor]:
        self.shifting = self.seeds.torch("shift", epoch)
        self.distorting = torch.Generator(self.device).manual_seed(self.seeds.number("noise", epoch))
        groups = {name: train.rows(number) for number, name in enumerate(ROLES)}
        sizes = self.method.composition.model_dump()
        batches = stream_batches(groups, sizes, self.seeds, epoch)
        self.ramp_steps = self.method.ramp_up * self.run.training.epochs * len(batches)
        return batches.to(self.device).unbind()

    def _losses(self, train: Clips, rows: Tensor) -> dict[str, Tensor]:
        shifts = time_shifts(len(rows), self.method.shift_frames, self.shifting, self.device)
        student, teacher = self._both(shift_in_time(train.features[rows], shifts))
        losses = self._class_losses(train, rows, shifts, student)
        consistency = {
            "consistency_frame": mse_loss(student.frame_scores, teacher.frame_scores),
            "consistency_clip": mse_loss(student.clip, teacher.clip),
        }
        weight = self.method.consistency * ramp_up(self.step / self.ramp_steps)
        total = summed(losses.values()) + weight * summed(consistency.values())
        return {"loss": total, **losses, **consistency}

    def _both(self, features: Tensor) -> tuple[Output, Output]:
        """What student and teacher say, each of its own noise."""
        on_both = self.method.noise_on == "both"
        student = self._ask(self.network, self._noisy(features) if on_both else features)
        with torch.no_grad():
            return student, self._ask(self.teacher, self._noisy(features))

    def _noisy(self, features: Tensor) -> Tensor:
        return features if self.noise is None else self.noise(features, self.distorting)

    def _class_losses(self, train: Clips, rows: Tensor, shifts: Tensor, student: Output) -> dict[str, Tensor]:
        """Losses against the labels of the weak and of the strong clips of a batch."""
        labels = self._strong_labels(train, rows[self.strong], shifts[self.strong])
        parts = [self.weak, self.strong] if self.method.clip_loss == "weak_and_strong" else [self.weak]
        scores, targets = (torch.cat([each[part] for part in parts]) for each in (student.clip, train.targets[rows]))
        return {
            "clip": binary_cross_entropy(scores, targets),
            "frame": binary_cross_entropy(student.frame_scores[self.strong], labels),
        }

    def _strong_labels(self, train: Clips, rows: Tensor, shifts: Tensor) -> Tensor:
        """Labels (clip, frame, class) at the resolution of the scores."""
        shifted = shift_in_time(train.known_frame_targets[rows], shifts)
        return pool_labels(shifted, self.network.time_reduction, self.method.label_pooling)

    def _after_batch(self) -> None:
        method = self.method
        decay = ema_decay(self.step + 1, method.average)
        update_average(self.teacher, self.network, decay, method.teacher_norm == "averaged")


METHOD_TRAINER = MeanTeacherTrainer
