"""Training of the confidence branch on a network that stays as it is (Liu et al. 2020, Section 2.3.1)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from sedrepro.base.errors import SettingsError
from sedrepro.nn.output import Network
from sedrepro.training.augmentation import make_noise, shift_in_time, time_shifts
from sedrepro.training.data import ROLES, Clips, RunData
from sedrepro.training.frame_labels import pool_labels
from sedrepro.training.loop import Base, Trainer, started_from, take_over
from sedrepro.training.losses import confidence_penalty, hinted
from sedrepro.training.settings import Confidence
from sedrepro.training.streams import stream_batches

#: Where its parameters stand in a network that has the branch.
BRANCH = "confidence"


class ConfidenceTrainer(Trainer):
    """Learns how sure each frame score is: a low confidence asks for the label as a hint, and costs.

    Loss: binary cross-entropy of the hinted frame scores (eq. 5 and 6) of the strongly labelled clips, since only their
    frame labels are known, plus lambda times -log c (eq. 8 and 9), of these or of all clips of composed batches. The
    other terms of eq. 9, the clip loss and the consistency, do not depend on the branch: they have no gradient, and are
    not computed. The rest of the network is fixed, with the statistics of its batch normalisation; whether it drops out
    features, and whether the clips are shifted and noisy, the settings say.
    """

    def __init__(self, network: Network, *args, **kwargs) -> None:
        if getattr(network, BRANCH, None) is None:
            raise SettingsError("training.method confidence: the network has no confidence branch; give it one")
        super().__init__(network, *args, **kwargs)

    @property
    def method(self) -> Confidence:
        """How it trains."""
        return self._settings(Confidence)

    def prepare(self, data: RunData, base: Base | None, another: Callable[[], Network]) -> None:
        """Take over the weights of stage one; the branch is new. Make the noise."""
        method = self.method
        own = {name: value for name, value in self.network.state_dict().items() if name.startswith(f"{BRANCH}.")}
        take_over(self.network, {**started_from(base).weights, **own})
        self.network.requires_grad_(False)
        getattr(self.network, BRANCH).requires_grad_(True)
        noisy = method.augmented and method.noise_on == "both"
        self.noise = make_noise(method.noise, data, self.run.front_end, self.device) if noisy else None

    def _parameters(self) -> list[nn.Parameter]:
        return list(getattr(self.network, BRANCH).parameters())

    def _train_mode(self) -> None:
        self.network.eval()
        for module in self.network.modules():
            if isinstance(module, nn.Dropout):
                module.train(self.method.drops_out)

    def _batches(self, train: Clips, epoch: int) -> Sequence[Tensor]:
        self.shifting = self.seeds.torch("shift", epoch)
        self.distorting = torch.Generator(self.device).manual_seed(self.seeds.number("noise", epoch))
        sizes = self.method.composition.model_dump()
        groups = {name: train.rows(number) for number, name in enumerate(ROLES)}
        if self.method.penalty_on == "strong":
            groups, sizes = {"strong": groups["strong"]}, {"strong": min(sizes["strong"], len(groups["strong"]))}
        self.strong = slice(sum(sizes.values()) - sizes["strong"], None)
        return stream_batches(groups, sizes, self.seeds, epoch).to(self.device).unbind()

    def _losses(self, train: Clips, rows: Tensor) -> dict[str, Tensor]:
        method = self.method
        frames = method.shift_frames if method.augmented else 0
        shifts = time_shifts(len(rows), frames, self.shifting, self.device)
        features = shift_in_time(train.features[rows], shifts)
        output = self._ask(self.network, features if self.noise is None else self.noise(features, self.distorting))
        targets = shift_in_time(train.known_frame_targets[rows[self.strong]], shifts[self.strong])
        labels = pool_labels(targets, self.network.time_reduction, method.label_pooling)
        said = hinted(output.frame_scores[self.strong], labels, output.known_confidence[self.strong])
        losses = {
            "frame": binary_cross_entropy(said, labels),
            "confidence": confidence_penalty(output.known_confidence),
        }
        return {"loss": losses["frame"] + method.penalty * losses["confidence"], **losses}


METHOD_TRAINER = ConfidenceTrainer
