"""What a run says of some clips, beside what their labels say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sedrepro.annotations.clips import Event


@dataclass(frozen=True)
class Scores:
    """What a run says of some clips, and what their labels say."""

    classes: Sequence[str]
    filenames: Sequence[str]
    clip: np.ndarray
    """Clip scores (clip, class)."""
    frame: np.ndarray | None
    """Frame scores (clip, frame, class), where the run has stored them."""
    frames_per_second: float
    durations: np.ndarray
    """Seconds (clip,)."""
    targets: np.ndarray
    """Weak labels (clip, class)."""
    reference: Sequence[Sequence[Event] | None]
    """Events of every clip; None for a clip without strong labels."""
    feature_frames: int
    """Frames of the features, of which a network may make one frame of scores of several."""
    features_per_second: float
    segments: np.ndarray | None = None
    """Scores of segments (clip, segment, class) that the network has pooled itself, where a detection needs them."""

    @property
    def frame_scores(self) -> np.ndarray:
        """Frame scores (clip, frame, class).

        Raises:
            ValueError: the run has not stored them.
        """
        if self.frame is None:
            raise ValueError("there are no frame scores")
        return self.frame

    @property
    def known_reference(self) -> list[Sequence[Event]]:
        """Events of every clip.

        Raises:
            ValueError: a clip has no strong labels.
        """
        known = [events for events in self.reference if events is not None]
        if len(known) < len(self.reference):
            raise ValueError(f"{len(self.reference) - len(known)} clips have no strong labels")
        return known

    def rows(self, rows: Sequence[int] | np.ndarray) -> "Scores":
        """Those of some of the clips."""
        return replace(
            self,
            filenames=[self.filenames[row] for row in rows],
            clip=self.clip[rows],
            frame=None if self.frame is None else self.frame[rows],
            segments=None if self.segments is None else self.segments[rows],
            durations=self.durations[rows],
            targets=self.targets[rows],
            reference=[self.reference[row] for row in rows],
        )

    def on_feature_grid(self) -> "Scores":
        """The same with frame scores repeated to the frames of the features, so that systems can be compared.

        Counts of frames then mean the same for every system, and so do frame-level metrics.
        """
        times = round(self.features_per_second / self.frames_per_second)
        if times == 1:
            return self
        repeated = np.repeat(self.frame_scores, times, axis=1)
        missing = max(0, self.feature_frames - repeated.shape[1])  # of frames that did not fill a pooling
        repeated = np.pad(repeated, ((0, 0), (0, missing), (0, 0)), mode="edge")[:, : self.feature_frames]
        return replace(self, frame=repeated, frames_per_second=self.features_per_second)
