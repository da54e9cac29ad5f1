"""Mean teacher with pseudo-labels: the second stage of self-training (Liu et al. 2020, Section 2.3.2)."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sedrepro.base.errors import DataError
from sedrepro.nn.output import Network, Output
from sedrepro.training.augmentation import shift_in_time
from sedrepro.training.data import STRONG, WEAK, Clips, RunData
from sedrepro.training.frame_labels import pool_labels
from sedrepro.training.loop import Base, started_from, take_over
from sedrepro.training.losses import pseudo_weights, regulated, summed, weighted_cross_entropy
from sedrepro.training.mean_teacher import MeanTeacherTrainer
from sedrepro.training.settings import Retraining


class RetrainingTrainer(MeanTeacherTrainer):
    """Every clip has frame labels now: its own strong ones, or what stage one said of it.

    Loss: binary cross-entropy of all frame scores, weighted by c' (eq. 11; `normalised` says over what its quotients
    run), and the consistency losses of the mean teacher. The clip loss is left out. Labels are kept at the resolution
    of the scores; in a batch they are repeated to that of the features, shifted like these, and averaged by weight, so
    that a shift may fall between two frames of scores and a label of weight 0 never counts.
    """

    @property
    def method(self) -> Retraining:
        """How it trains."""
        return self._settings(Retraining)

    def prepare(self, data: RunData, base: Base | None, another: Callable[[], Network]) -> None:
        """Make teacher and noise, and put together labels and weights of every training clip.

        Raises:
            DataError: pseudo-labels lack a clip or the confidence, or have another frame rate than the network.
            SettingsError: stage one has a network of another kind, and its weights are to be taken over.
        """
        base = started_from(base)
        if self.method.start == "stage_one":
            known = self.network.state_dict()  # stage one may have a confidence branch or a learned pooling besides
            take_over(self.network, {name: value for name, value in base.weights.items() if name in known})
        super().prepare(data, base, another)
        labels, weights = self._pseudo(data.train, base)
        rows = torch.from_numpy(data.train.rows(STRONG))
        strong = data.train.known_frame_targets[rows.to(self.device)]
        how = self.method.label_pooling
        labels[rows] = pool_labels(strong, self.network.time_reduction, how).to("cpu", labels.dtype)
        weights[rows] = 1
        self.labels, self.label_weights = labels.to(self.device), weights.to(self.device)
        self.parts = [part.to(self.device) for part in self._parts(data.train)]

    def _parts(self, train: Clips) -> list[Tensor]:
        """Which labels each quotient of the loss runs over, bool, to be broadcast to (clip, frame, class)."""
        strong = torch.from_numpy(train.roles == STRONG)[:, None, None]
        if self.method.normalised == "jointly":
            return [torch.ones_like(strong)]
        if self.method.normalised == "strong_apart":
            return [strong, ~strong]
        weak = torch.from_numpy(train.roles == WEAK)[:, None, None]
        known = strong | (weak & (train.targets.cpu() == 0)[:, None, :])
        return [known, ~known]

    def _pseudo(self, train: Clips, base: Base) -> tuple[Tensor, Tensor]:
        """Labels and weights (clip, frame, class) of the clips that have no strong labels, 0 for the others."""
        arrays, method = base.pseudo_labels, self.method
        place = {str(name): row for row, name in enumerate(arrays["filenames"])}
        self._require_frames(arrays["frame"].shape[1], train)
        labels = torch.zeros(len(train), *arrays["frame"].shape[1:])
        weights = torch.zeros_like(labels)
        rows = np.flatnonzero(train.roles != STRONG)
        lacking = [train.filenames[row] for row in rows if train.filenames[row] not in place]
        if lacking:
            raise DataError(f"pseudo-labels lack {lacking[0]} and {len(lacking) - 1} more; make them again")
        sources = np.array([place[train.filenames[row]] for row in rows])
        found = {
            name: torch.from_numpy(arrays[name][sources].astype(np.float32))
            for name in ("frame", "confidence")
            if name in arrays
        }
        labels[rows], weights[rows] = pseudo_weights(found["frame"], found.get("confidence"), method)
        weak = train.rows(WEAK)
        labels[weak], weights[weak] = regulated(labels[weak], weights[weak], train.targets.cpu()[weak])
        return labels, weights

    def _require_frames(self, frames: int, train: Clips) -> None:
        own = train.features.shape[1] // self.network.time_reduction
        if frames != own:
            raise DataError(
                f"based_on: pseudo-labels have {frames} frames of scores, the network has {own}; "
                "base the system on one of equal poolings"
            )

    def _class_losses(self, train: Clips, rows: Tensor, shifts: Tensor, student: Output) -> dict[str, Tensor]:
        quotients = [
            weighted_cross_entropy(student.frame_scores, *self._targets(train, rows, shifts, part))
            for part in self.parts
        ]
        return {"frame": summed(quotients)}

    def _targets(self, train: Clips, rows: Tensor, shifts: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
        """Labels and weights (clip, frame, class) of a part after a shift; where several meet, weights count."""
        labels, given = self.labels[rows], self.label_weights[rows] * part[rows]
        weights = self._shifted(given, shifts, train)
        return self._shifted(given * labels, shifts, train) / torch.where(weights > 0, weights, 1), weights

    def _shifted(self, values: Tensor, shifts: Tensor, train: Clips) -> Tensor:
        """Values (clip, frame, class) of frames of scores, after a shift in frames of features."""
        reduction, frames = self.network.time_reduction, train.features.shape[1]
        if reduction == 1:
            return shift_in_time(values, shifts)
        fine = values.repeat_interleave(reduction, dim=1)
        left_over = frames - fine.shape[1]  # frames of features that fill no frame of scores
        fine = torch.cat([fine, fine[:, -1:].expand(-1, left_over, -1)], dim=1)
        return pool_labels(shift_in_time(fine, shifts), reduction, "mean")


METHOD_TRAINER = RetrainingTrainer
