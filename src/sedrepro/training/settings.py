"""Typed settings of training: the loop, the learning rate, and what each method needs. No torch here."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from sedrepro.audio.front_end import FrontEnd
from sedrepro.base.typed import Typed

#: Clips that may pick the epoch, beside the held-out splits.
VALIDATION, HELD_OUT = "validation", "held_out"


class Constant(Typed):
    """A learning rate that stays."""

    kind: Literal["constant"]


class Plateau(Typed):
    """A learning rate that falls when the monitored value stalls."""

    kind: Literal["plateau"]
    factor: float = Field(gt=0, lt=1)
    patience: int = Field(ge=0, description="epochs without a better one before that")


class Decay(Typed):
    """A learning rate that falls at regular intervals."""

    kind: Literal["decay"]
    factor: float = Field(gt=0, lt=1)
    iterations: int = Field(gt=0, description="batches from one fall to the next")


class Steps(Typed):
    """A learning rate that falls every few epochs."""

    kind: Literal["steps"]
    factor: float = Field(gt=0, lt=1)
    epochs: int = Field(gt=0, description="from one fall to the next")
    first: int | None = Field(default=None, gt=0, description="epochs before the first fall; none: as many")
    anew: bool = Field(default=False, description="the moments of the optimiser start anew with each fall")


class TrainingMethod(Typed):
    """What the rest of the suite must know of a method of training, without training by it."""

    strong_labels: ClassVar[bool] = False
    """Whether it learns from strong labels."""
    unlabelled_clips: ClassVar[bool] = True
    """Whether it learns from clips without labels."""
    starts_from_run: ClassVar[bool] = False
    """Whether it starts from the weights of another run, that its system is based on."""
    pseudo_labels: ClassVar[bool] = False
    """Whether it learns from what that run says of the training clips."""

    @property
    def unused(self) -> tuple[str, ...]:
        """Settings that it inherits from another method and does not use, by dotted key."""
        return ()


class Supervised(TrainingMethod):
    """Weak labels of all training clips."""

    unlabelled_clips: ClassVar[bool] = False

    kind: Literal["supervised"]


class Composition(Typed):
    """How many clips of each kind a batch has, in this order."""

    weak: PositiveInt
    unlabelled: PositiveInt
    strong: PositiveInt

    @property
    def total(self) -> int:
        """Clips of a batch."""
        return self.weak + self.unlabelled + self.strong


class NoNoise(Typed):
    """Clean features."""

    kind: Literal["none"]


class AmplitudeNoise(Typed):
    """Gaussian noise on the linear mel amplitudes, as of the official baseline of DCASE 2019."""

    kind: Literal["amplitude"]
    deviation: float = Field(gt=0)
    rectified: bool = Field(description="absolute values of the noise: a positive bias, as released")


class SnrNoise(Typed):
    """Gaussian noise on the standardised features, at a level relative to each mel band's."""

    kind: Literal["snr"]
    decibels: float


class LogMelNoise(Typed):
    """Gaussian noise on the log-mel features as they are before standardisation."""

    kind: Literal["log_mel"]
    deviation: float = Field(gt=0)


Noise = Annotated[NoNoise | AmplitudeNoise | SnrNoise | LogMelNoise, Field(discriminator="kind")]


class OfMeanTeacher(TrainingMethod):
    """Settings that the mean teacher and both stages after it share."""

    strong_labels: ClassVar[bool] = True

    kind: str
    composition: Composition
    average: float = Field(gt=0, lt=1, description="ceiling of the decay by which the teacher averages the student")
    teacher_start: Literal["student", "independent"] = Field(description="the teacher's first weights")
    consistency: float = Field(ge=0, description="weight of the consistency losses once it is ramped up")
    ramp_up: float = Field(gt=0, le=1, description="share of the training steps over which that weight rises")
    noise: Noise
    noise_on: Literal["teacher", "both"] = Field(description="whose input is noisy")
    shift_frames: float = Field(ge=0, description="standard deviation of the time shift, feature frames; 0: none")
    label_pooling: Literal["last", "majority", "max"] = Field(
        description="strong labels at the resolution of the scores, from those of their feature frames"
    )
    clip_loss: Literal["weak", "weak_and_strong"] = Field(
        description="clips whose clip scores learn from clip labels; those of a strong clip are of its events"
    )
    kept: Literal["student", "teacher"] = Field(description="what is evaluated, stored, and asked for pseudo-labels")
    teacher_norm: Literal["own", "averaged"] = Field(
        description="running statistics of the teacher's batch norms: its own, or averaged as its weights are"
    )


class MeanTeacher(OfMeanTeacher):
    """Mean teacher on weakly labelled, unlabelled and strongly labelled clips."""

    kind: Literal["mean_teacher"]


class Confidence(OfMeanTeacher):
    """The confidence branch alone, on a trained network that is left as it is (Liu et al. 2020, Section 2.3.1)."""

    starts_from_run: ClassVar[bool] = True
    kind: Literal["confidence"]
    penalty: float = Field(gt=0, description="lambda, the weight of the confidence loss (eq. 9)")
    penalty_on: Literal["strong", "all"] = Field(
        description="clips of eq. 8: the strong ones, which then make up the batches alone, or all of composed batches"
    )
    augmented: bool = Field(description="clips are shifted and noisy, as the student's are in stage one")
    drops_out: bool = Field(description="the trained network, fixed as it is, drops out features")

    @property
    def unused(self) -> tuple[str, ...]:
        """What only the mean teacher uses, and what other clips and augmentation would need."""
        others = () if self.penalty_on == "all" else ("composition.weak", "composition.unlabelled")
        changes = () if self.augmented else ("noise", "noise_on", "shift_frames")
        return ("average", "teacher_start", "consistency", "ramp_up", *others, *changes)


class Retraining(OfMeanTeacher):
    """Mean teacher with pseudo-labels of a trained network, weighted by confidence (Liu et al. 2020, Section 2.3.2)."""

    starts_from_run: ClassVar[bool] = True
    pseudo_labels: ClassVar[bool] = True
    kind: Literal["retraining"]
    weights: Literal["equal", "confidence", "probability"] = Field(description="what stands for c in eq. 10")
    alpha: float = Field(ge=0, le=1, description="of eq. 10: how much the weights count")
    threshold: float | None = Field(ge=0, le=1, description="least probability of a pseudo-label; none: all are taken")
    below: Literal["dropped", "negative"] = Field(description="what becomes of labels below the threshold")
    labels: Literal["soft", "hard"] = Field(description="pseudo-labels: probabilities, or these rounded")
    normalised: Literal["jointly", "strong_apart", "predicted_apart"] = Field(
        description="eq. 11 of a batch: one quotient; or the sum of two, one of strong and one of all other clips, or "
        "one of known labels (of strong clips, and absent classes of weak ones) and one of predicted labels"
    )
    start: Literal["anew", "stage_one"] = Field(description="the network's first weights")


class Focal(Typed):
    """The adaptive focal loss (Liang et al. 2021, eq. 4)."""

    gamma: float = Field(gt=0)
    form: Literal["printed", "cited"] = Field(description="weight 1 - p^gamma, or (1 - p)^gamma")


class Guided(TrainingMethod):
    """Guided learning of a teacher and a student (Lin et al. 2020), with what Liang et al. 2021 add to it."""

    strong_labels: ClassVar[bool] = True

    kind: Literal["guided"]
    start: int = Field(
        ge=1, description="s: after so many epochs the student guides the teacher too, and focal losses come in"
    )
    base: float = Field(gt=0, le=1, description="lambda of that guidance's weight, 1 - lambda^(epoch - s)")
    guidance: Literal["all", "unlabelled", "as_released"] = Field(
        description="of all clips (eq. 3); of those without labels; or of these with the weight inside the cross "
        "entropy, and all losses are means over whole batches"
    )
    frame_loss: bool = Field(description="frame scores learn from strong labels; else these count as weak labels only")
    label_pooling: Literal["majority", "max"] = Field(
        description="strong labels at the resolution of the scores, from those of their feature frames"
    )
    noise: Noise = Field(description="on the teacher's input")
    distillation: tuple[Literal["tfd", "dfd_mse", "dfd_d", "dfd_d_wu"], ...] = Field(
        description="features of teacher and student are drawn together: in frames of target events; everywhere, by "
        "squares or by distance; everywhere in clips without strong labels"
    )
    align: Literal["upsampled", "pooled"] = Field(
        description="for that, the teacher's frames are repeated, or the student's averaged"
    )
    pulled: Literal["student", "both"] = Field(
        description="who learns from distillation: the student, for which the teacher's transformed features are a "
        "fixed target; or both networks and both transformations"
    )
    focal: Focal | None = Field(description="takes the place of cross entropy against labels after epoch s")

    @field_validator("distillation")
    @classmethod
    def _no_loss_twice(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("a loss is listed twice")
        return names


Method = Annotated[Supervised | MeanTeacher | Confidence | Retraining | Guided, Field(discriminator="kind")]
#: What each kind is called in settings.
METHODS: dict[str, type[TrainingMethod]] = {
    "supervised": Supervised,
    "mean_teacher": MeanTeacher,
    "confidence": Confidence,
    "retraining": Retraining,
    "guided": Guided,
}


def selected_by(split: str) -> str:
    """What `select_on` calls a held-out split: its name, or held_out.validation as the bare word is a share."""
    return f"{HELD_OUT}.{split}" if split == VALIDATION else split


class Training(Typed):
    """How a system is trained."""

    method: Method
    batch_size: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    epochs: int = Field(gt=0, description="at most")
    monitor: Literal["micro_ap", "loss", "macro_f1", "none"] = Field(
        description="what of the selection clips tells the better epoch; none: the last one is kept"
    )
    schedule: Constant | Plateau | Decay | Steps = Field(discriminator="kind", description="of the learning rate")
    balance: float | None = Field(
        ge=1, description="a class is drawn at most so many times as often as the rarest; none: clips come as they are"
    )
    stop_patience: int | None = Field(gt=0, description="epochs without a better one before training ends; none: never")
    select_on: str = Field(
        description="selection clips: validation (a share of those that train), held_out, or a split that is held out; "
        "one named validation is held_out.validation"
    )
    validation_share: float = Field(gt=0, lt=1, description="share of the training clips kept for validation")

    @model_validator(mode="after")
    def _something_is_monitored(self) -> "Training":
        if self.monitor == "none" and (self.schedule.kind == "plateau" or self.stop_patience is not None):
            raise ValueError("a plateau schedule and stop_patience need a monitor; monitor is none")
        return self

    @model_validator(mode="after")
    def _monitor_sees_what_is_learnt(self) -> "Training":
        if isinstance(self.method, Confidence) and self.monitor != "none":
            raise ValueError(
                f"monitor = {self.monitor}: scores stay as they are in training.method confidence; use none"
            )
        return self

    @model_validator(mode="after")
    def _batches_are_composed(self) -> "Training":
        composition = getattr(self.method, "composition", None)
        if composition is not None and composition.total != self.batch_size:
            raise ValueError(
                f"batch_size = {self.batch_size}, but method.composition has {composition.total} clips; make them equal"
            )
        if self.balance is not None and not isinstance(self.method, Supervised):
            raise ValueError(
                f"balance is for clips that come in one order by weak labels, not for method {self.method.kind}"
            )
        return self


class RunSettings(Typed):
    """What one training run depends on, and nothing else."""

    front_end: FrontEnd
    network: str
    arguments: dict[str, Any]
    loss_weights: dict[str, float]
    training: Training
    based_on: str | None = None

    @model_validator(mode="after")
    def _has_what_its_method_starts_from(self) -> "RunSettings":
        needs = self.training.method.starts_from_run
        if needs and self.based_on is None:
            raise ValueError(f"training.method {self.training.method.kind} starts from another run; give based_on")
        if self.based_on is not None and not needs:
            raise ValueError(f"training.method {self.training.method.kind} starts from no other run; drop based_on")
        return self
