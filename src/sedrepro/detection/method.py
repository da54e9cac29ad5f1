"""What every way from frame scores to events has in common."""

from pydantic import Field

from sedrepro.base.typed import Typed


class DetectionMethod(Typed):
    """Settings of one way from stored scores to events; a kind adds its own."""

    corpora: tuple[str, ...] = Field(default=(), description="corpora whose runs are scored so; none: all")
