"""The methods of training by the names that settings give them."""

from sedrepro.training.confidence import ConfidenceTrainer
from sedrepro.training.guided import GuidedTrainer
from sedrepro.training.loop import Trainer
from sedrepro.training.mean_teacher import MeanTeacherTrainer
from sedrepro.training.retraining import RetrainingTrainer
from sedrepro.training.supervised import SupervisedTrainer

TRAINERS: dict[str, type[Trainer]] = {
    "supervised": SupervisedTrainer,
    "mean_teacher": MeanTeacherTrainer,
    "confidence": ConfidenceTrainer,
    "retraining": RetrainingTrainer,
    "guided": GuidedTrainer,
}
