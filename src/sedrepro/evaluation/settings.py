"""Settings of the metrics: what is computed of a run, and what defines each metric."""

from typing import Literal

from pydantic import Field, field_validator

from sedrepro.base.typed import Typed

#: Shorter segments than any frame would fill the memory, seconds.
SHORTEST_SEGMENT = 0.001


class Averaged(Typed):
    """How values of classes become one."""

    averaging: Literal["micro", "macro"] = Field(description="over all classes pooled, or the mean of the classes")
    undetected_classes: Literal["zero", "dropped"] = Field(
        description="F1 of a class with reference events but no output: 0, or, as sed_eval does, out of the macro mean"
    )


class SegmentBased(Averaged):
    """How detected events are compared with the reference, segment by segment."""

    segment_seconds: float = Field(gt=0, description="length of a segment, s")

    @field_validator("segment_seconds")
    @classmethod
    def _is_no_sample(cls, seconds: float) -> float:
        if seconds < SHORTEST_SEGMENT:
            raise ValueError(f"a segment lasts at least {SHORTEST_SEGMENT} s")
        return seconds


class EventBased(Averaged):
    """How detected events are compared with the reference, event by event."""

    collar_seconds: float = Field(gt=0, description="how far onset and offset may be off, s")
    offset_share: float = Field(ge=0, le=1, description="of the reference event's length, that the offset may be off")


class FrameLevel(Typed):
    """How frames are scored and decided on."""

    clip_threshold: float = Field(ge=0, lt=1, description="frames keep their scores in clips that score above this")
    threshold: float = Field(gt=0, lt=1, description="for F1: a frame is active from this score on")


class ClipLevel(Typed):
    """How clips are decided on."""

    threshold: float = Field(gt=0, lt=1, description="for F1: a class is in a clip that scores so much for it")


class Evaluation(Typed):
    """What is computed beside the clip-level ranking metrics; the last two are of detected events."""

    clip_level: ClipLevel | None = None
    frame_level: FrameLevel | None = None
    segment_based: SegmentBased | None = None
    event_based: EventBased | None = None
