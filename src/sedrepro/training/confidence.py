"""Training of the confidence branch on a network that stays as it is (Liu et al. 2020, Section 2.3.1)."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from sedrepro.base.errors import SettingsError
from sedrepro.training.data import STRONG, Clips, RunData
from sedrepro.training.frame_labels import pool_labels
from sedrepro.training.loop import Base, Trainer, take_over
from sedrepro.training.losses import confidence_penalty, hinted
from sedrepro.training.streams import stream_batches

#: Where its parameters stand in a network that has the branch.
BRANCH = "confidence"


class ConfidenceTrainer(Trainer):
    """Learns how sure each frame score is: a low confidence asks for the label as a hint, and costs.

    Loss: binary cross-entropy of the hinted frame scores (eq. 5 and 6) plus lambda times -log c (eq. 8 and 9), on the
    strongly labelled clips, since only their frame labels are known. The other terms of eq. 9, the clip loss and the
    consistency, do not depend on the branch: they have no gradient, and are not computed. The rest of the network is
    fixed: it is in evaluation mode, without dropout, and its batch normalisation keeps its statistics.
    """

    def __init__(self, network: nn.Module, *args, **kwargs) -> None:
        if getattr(network, BRANCH, None) is None:
            raise SettingsError("training.method confidence: the network has no confidence branch; give it one")
        super().__init__(network, *args, **kwargs)

    def prepare(self, data: RunData, base: Base | None, another: Callable[[], nn.Module]) -> None:
        """Take over the weights of stage one; the branch is new."""
        own = {name: value for name, value in self.network.state_dict().items() if name.startswith(f"{BRANCH}.")}
        take_over(self.network, {**base.weights, **own})
        self.network.requires_grad_(False)
        getattr(self.network, BRANCH).requires_grad_(True)

    def _parameters(self) -> list[nn.Parameter]:
        return list(getattr(self.network, BRANCH).parameters())

    def _train_mode(self) -> None:
        self.network.eval()

    def _batches(self, train: Clips, epoch: int) -> Sequence[Tensor]:
        size = min(self.run.training.method.composition.strong, len(train.rows(STRONG)))
        return stream_batches({"strong": train.rows(STRONG)}, {"strong": size}, self.seeds, epoch).to(self.device)

    def _losses(self, train: Clips, rows: Tensor) -> dict[str, Tensor]:
        method = self.run.training.method
        output = self._ask(self.network, train.features[rows])
        labels = pool_labels(train.frame_targets[rows], self.network.time_reduction, method.label_pooling)
        losses = {
            "frame": binary_cross_entropy(hinted(output.frame, labels, output.confidence), labels),
            "confidence": confidence_penalty(output.confidence),
        }
        return {"loss": losses["frame"] + method.penalty * losses["confidence"], **losses}


METHOD_TRAINER = ConfidenceTrainer
