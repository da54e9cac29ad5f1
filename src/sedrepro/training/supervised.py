"""Supervised training on weak labels."""

from collections.abc import Sequence

from torch import Tensor, nn

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.training.data import Clips
from sedrepro.training.loop import Trainer
from sedrepro.training.order import epoch_order


class SupervisedTrainer(Trainer):
    """Every clip once per epoch, or balanced by class, in batches of equal size.

    Loss: mean binary cross-entropy of the clip scores plus the weighted auxiliary losses (Deshmukh et al. 2021, eq. 8).
    """

    def _batches(self, train: Clips, epoch: int) -> Sequence[Tensor]:
        order = epoch_order(train.targets, self.run.training.balance, self.seeds, epoch).to(self.device)
        return order.split(self.run.training.batch_size)

    def _losses(self, train: Clips, rows: Tensor) -> dict[str, Tensor]:
        output = self._ask(self.network, train.features[rows])
        losses = {"clip": nn.functional.binary_cross_entropy(output.clip, train.targets[rows]), **output.losses}
        total = losses["clip"]
        for name, weight in self.run.loss_weights.items():
            if weight and name not in losses:
                raise SettingsError(f"loss_weights: loss '{name}' is unknown; {did_you_mean(name, output.losses)}")
            if weight:
                total = total + weight * losses[name]
        return {"loss": total, **losses}


METHOD_TRAINER = SupervisedTrainer
