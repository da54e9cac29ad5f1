"""Guided learning of two networks (Lin et al. 2020), and its training with distillation and focal loss (Liang et al.).

Numbers of equations are those of Liang et al. 2021.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sedrepro.base.errors import SettingsError
from sedrepro.nn.guided import TeacherStudent
from sedrepro.nn.output import Network, Output
from sedrepro.training import guidance
from sedrepro.training.augmentation import make_noise
from sedrepro.training.averaging import ramp_up
from sedrepro.training.data import STRONG, UNLABELLED, Clips, RunData
from sedrepro.training.frame_labels import pool_labels
from sedrepro.training.loop import Base, Trainer
from sedrepro.training.losses import summed
from sedrepro.training.settings import Guided
from sedrepro.training.streams import union_batches


class GuidedTrainer(Trainer):
    """Teacher and student learn from labels and from each other's tags; all clips come in one order, shuffled.

    Loss (eq. 3, 5 and 6): of each network the cross entropy of the clip scores of all clips whose classes are known,
    and of the frame scores of those whose events are known; that of the student's tags against the teacher's and, with
    a weight that rises after epoch s, the reverse; and beta times the distillation, where beta rises to epoch s. After
    it focal losses may replace the first two. The teacher hears noise. Both networks are in training mode. What is
    kept and evaluated is the student, with the teacher beside it.
    """

    def __init__(self, network: Network, *args, **kwargs) -> None:
        if not isinstance(network, TeacherStudent):
            raise SettingsError("training.method guided: the network has no teacher and student; choose one that has")
        super().__init__(network, *args, **kwargs)
        if self.method.distillation and network.student.transform is None:
            raise SettingsError("training.method.distillation: the network transforms no features; set distilled")

    @property
    def method(self) -> Guided:
        """How it trains."""
        return self._settings(Guided)

    def prepare(self, data: RunData, base: Base | None, another: Callable[[], Network]) -> None:
        """Make the noise, and note what is known of each clip."""
        self.noise = make_noise(self.method.noise, data, self.run.front_end, self.device)
        self.roles = torch.from_numpy(data.train.roles).to(self.device)

    def _batches(self, train: Clips, epoch: int) -> Sequence[Tensor]:
        self.epoch = epoch
        self.distorting = torch.Generator(self.device).manual_seed(self.seeds.number("noise", epoch))
        rows = torch.arange(len(train), device=self.device)
        return union_batches(rows, self.run.training.batch_size, self.seeds, epoch)

    def _losses(self, train: Clips, rows: Tensor) -> dict[str, Tensor]:
        features, roles = train.features[rows], self.roles[rows]
        heard = features if self.noise is None else self.noise(features, self.distorting)
        student = self._ask(self.network, features, heard)
        losses = self._class_losses(train, rows, roles, student)
        losses |= self._guidance(student.clip, student.known_teacher.clip, roles == UNLABELLED)
        distilled = self._distillation(train, rows, roles, student)
        total = summed(losses.values())
        if distilled:
            total = total + ramp_up(self.epoch / self.method.start) * summed(distilled.values())
        return {"loss": total, **losses, **distilled}

    def _class_losses(self, train: Clips, rows: Tensor, roles: Tensor, student: Output) -> dict[str, Tensor]:
        """L_weak and L_strong of both networks (eq. 3), or L_af-weak and L_af-strong (eq. 6)."""
        losses = {}
        for name, output in (("student", student), ("teacher", student.known_teacher)):
            losses[f"{name}_clip"] = self._against_labels(output.clip, train.targets[rows], roles != UNLABELLED)
            if self.method.frame_loss:
                targets, scores = train.known_frame_targets[rows], output.frame_scores
                labels = pool_labels(targets, targets.shape[1] // scores.shape[1], self.method.label_pooling)
                losses[f"{name}_frame"] = self._against_labels(scores, labels, roles == STRONG)
        return losses

    def _against_labels(self, scores: Tensor, targets: Tensor, rows: Tensor) -> Tensor:
        focal = self.method.focal
        if focal is not None and self.epoch > self.method.start:
            loss = guidance.adaptive_focal(scores, targets, focal.gamma, focal.form, rows)
        else:
            loss = guidance.cross_entropy(scores, targets, rows)
        # As released, the other clips of the batch count as clips without a loss.
        return loss * rows.float().mean() if self.method.guidance == "as_released" else loss

    def _guidance(self, student: Tensor, teacher: Tensor, unlabelled: Tensor) -> dict[str, Tensor]:
        """The consistency losses of clip scores; `student_guided` has the teacher's tags as its targets."""
        weight = guidance.guidance_weight(self.epoch, self.method.start, self.method.base)
        if self.method.guidance == "as_released":
            return {
                "student_guided": guidance.guidance_as_released(student, teacher, unlabelled),
                "teacher_guided": guidance.guidance_as_released(teacher, student, unlabelled, weight),
            }
        rows = None if self.method.guidance == "all" else unlabelled
        return {
            "student_guided": guidance.guidance(student, teacher, rows),
            "teacher_guided": guidance.guidance(teacher, student, rows, weight),
        }

    def _distillation(self, train: Clips, rows: Tensor, roles: Tensor, student: Output) -> dict[str, Tensor]:
        """The losses between transformed features that the settings name."""
        if not self.method.distillation:
            return {}
        teacher = student.known_teacher.maps["features"]
        # A distance that moves both sides is least where both transformations are 0, and says nothing there.
        features = teacher if self.method.pulled == "both" else teacher.detach(), student.maps["features"]
        strong, align = roles == STRONG, self.method.align
        losses: dict[str, Callable[[], Tensor]] = {
            "tfd": lambda: guidance.target_event_distillation(
                *features, train.known_frame_targets[rows], strong, align
            ),
            "dfd_mse": lambda: guidance.distillation(*features, None, "squared", align),
            "dfd_d": lambda: guidance.distillation(*features, None, "distance", align),
            "dfd_d_wu": lambda: guidance.distillation(*features, ~strong, "distance", align),
        }
        return {name: losses[name]() for name in self.method.distillation}


METHOD_TRAINER = GuidedTrainer
