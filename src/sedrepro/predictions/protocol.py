"""How predictions are evaluated: as a paper does, or, without a paper, as DCASE 2019 Task 4 did."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sedrepro.evaluation.settings import Evaluation, EventBased, SegmentBased
from sedrepro.experiments.papers import Paper

#: Without a paper: the metrics of the DCASE 2019 baseline, macro averages, with which DESED is reported since.
DEFAULT_SEGMENTS = SegmentBased(segment_seconds=1.0, averaging="macro", undetected_classes="zero")
DEFAULT_EVENTS = EventBased(collar_seconds=0.2, offset_share=0.2, averaging="macro", undetected_classes="zero")
DEFAULT = Evaluation(segment_based=DEFAULT_SEGMENTS, event_based=DEFAULT_EVENTS)
DEFAULT_REASON = "no paper was named: the metrics of DCASE 2019 Task 4"
#: Sections of `Evaluation` that are about detected events, about clip scores, and about frame scores.
OF_EVENTS, OF_CLIPS, OF_FRAMES = ("event_based", "segment_based"), ("clip_level",), ("frame_level",)


@dataclass(frozen=True)
class Protocol:
    """What is computed, and for a paper its settings."""

    evaluation: Evaluation
    paper: Paper | None = None
    variant: str = ""
    split: str = ""

    @property
    def known_paper(self) -> Paper:
        """The paper.

        Raises:
            ValueError: there is none.
        """
        if self.paper is None:
            raise ValueError("the protocol is of no paper")
        return self.paper

    @property
    def corpus(self) -> str:
        """Name of the paper's corpus."""
        return self.known_paper.settings.corpus_of(self.variant)[0]

    @property
    def grid(self) -> tuple[int, float] | None:
        """Frames and frames per second of the paper's features; none without a paper."""
        if self.paper is None:
            return None
        front_end = self.paper.settings.front_end_of(self.corpus)
        return front_end.n_frames, front_end.frames_per_second

    def assumed(self, sections: tuple[str, ...]) -> list[str]:
        """Every value that defines a metric of some sections, with where it comes from."""
        return [line for section in sections for line in self._section(section)]

    def _section(self, section: str) -> Iterator[str]:
        settings = getattr(self.evaluation, section)
        for name, value in settings if settings is not None else ():
            yield f"{section}.{name} = {value} ({self._origin(f'evaluation.{section}.{name}')})"

    def _origin(self, key: str) -> str:
        origin: Any = self.paper.provenance.get(key) if self.paper else None
        if origin is None:
            return DEFAULT_REASON if self.paper is None else "settings"
        return f"{origin.source}: {origin.reason}" if origin.reason else origin.source
