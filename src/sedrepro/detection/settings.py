"""Settings of the ways from stored scores to events; what each does stands in the module of its kind."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from sedrepro.base.typed import Typed

#: What the median filter takes for the frames outside the clip.
Border = Literal["inactive", "reflect"]
#: Of which curve the inflection point of durations is.
Knee = Literal["cumulative_sum", "chord"]


class DetectionMethod(Typed):
    """Settings of one way from stored scores to events; a kind adds its own."""

    corpora: tuple[str, ...] = Field(default=(), description="corpora whose runs are scored so; none: all")

    @property
    def pooled_seconds(self) -> float | None:
        """Seconds of the segments that the network itself has to pool for it; None: of none."""
        return None


class PostProcessing(Typed):
    """How the frame scores of every class become events."""

    threshold: float = Field(gt=0, lt=1, description="a frame is active from this score on")
    median_seconds: float = Field(ge=0, description="window of the median filter over the decisions, s; 0: none")
    longest_gap_seconds: float = Field(ge=0, description="pauses in a class up to this long are closed, s; 0: none")
    shortest_seconds: float = Field(ge=0, description="events shorter than this are removed, s; 0: none")


class Hysteresis(DetectionMethod):
    """How clip scores and frame scores of every class become events."""

    choose_on: ClassVar[None] = None  # nothing is chosen
    kind: Literal["hysteresis"]
    clip_threshold: float = Field(ge=0, lt=1, description="a class is active in clips that score above this")
    high: float = Field(gt=0, lt=1, description="a frame from this score on is part of an event")
    low: float = Field(ge=0, lt=1, description="from there events grow over the frames that score above this")
    longest_gap_frames: int = Field(ge=0, description="of features: pauses up to this long are closed; 0: none")
    shortest_frames: int = Field(ge=0, description="of features: events of fewer are removed; 0: none")

    @model_validator(mode="after")
    def _low_is_lower(self) -> "Hysteresis":
        if not self.low < self.high:
            raise ValueError(f"low = {self.low} must be below high = {self.high}")
        return self


Durations = Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]


class Search(DetectionMethod):
    """What is tried, every value with every other, and what decides; see `PostProcessing` for the values."""

    kind: Literal["search"]
    choose_on: str = Field(min_length=1, description="split with strong labels on which the choice is made")
    criterion: Literal["error_rate", "f1"] = Field(description="lowest micro ER or highest micro F1 of segments")
    thresholds: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(min_length=1)
    median_seconds: Durations
    longest_gap_seconds: Durations
    shortest_seconds: Durations
    border: Border = Field(description="what the median filter takes for frames outside the clip")


class ClassThresholds(DetectionMethod):
    """How clips are tagged and segments decided on by thresholds of the classes."""

    kind: Literal["class_thresholds"]
    choose_on: str = Field(min_length=1, description="split whose weak labels the thresholds are chosen on")
    segment_seconds: float = Field(gt=0, description="length of a segment, s")
    segment_pooling: Literal["own", "mean", "linear_softmax"] = Field(
        description="of a segment: by the network's own pooling of clips; or of its frame scores, their mean, or "
        "weighted by themselves, which is TALNet's pooling"
    )

    @property
    def pooled_seconds(self) -> float | None:
        """Seconds of the segments that the network itself pools."""
        return self.segment_seconds if self.segment_pooling == "own" else None


class FixedWindows(Typed):
    """One window for all classes."""

    kind: Literal["fixed"]
    seconds: float = Field(ge=0, description="window of the median filter, s; 0: none")


class AverageWindows(Typed):
    """A window per class from the mean duration of its events (c_ssed, Section 2.1; GL)."""

    kind: Literal["average"]
    share: float = Field(gt=0, description="of the mean duration of the class that its window lasts")


class EventSpecificWindows(Typed):
    """A window per class from the mean duration of its shorter events (joint_at_aed, eq. 7)."""

    kind: Literal["event_specific"]
    share: float = Field(gt=0, description="eta: of that mean duration that the window lasts")
    knee: Knee = Field(
        description="the inflection point: of the cumulative sum of the sorted durations, or of these themselves, the "
        "point farthest from the curve's chord"
    )


Windows = Annotated[FixedWindows | AverageWindows | EventSpecificWindows, Field(discriminator="kind")]


class Median(DetectionMethod):
    """How frame scores, and clip scores where they gate, become events."""

    choose_on: ClassVar[None] = None  # nothing is chosen
    kind: Literal["median"]
    threshold: float = Field(gt=0, lt=1, description="a frame is active from this score on")
    clip_threshold: float | None = Field(
        default=None, gt=0, lt=1, description="a class is silent in clips that score below this; null: in none"
    )
    windows: Windows
    filters: Literal["decisions", "posteriors", "both"] = Field(description="what is filtered by the median")
    border: Border = Field(description="what the median filter takes for frames outside the clip")
    ends: Literal["clip", "frames"] = Field(
        default="clip", description="events end with their clip at the latest, or with the last frame of scores"
    )
    clip_scores: Literal["network", "frame_mean"] = Field(
        default="network", description="of the network, or the means of its frame scores"
    )


Method = Annotated[Search | Hysteresis | ClassThresholds | Median, Field(discriminator="kind")]
