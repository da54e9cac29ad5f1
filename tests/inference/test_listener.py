from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.audio.extraction import clip_features
from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.logmel import LogMel
from sedrepro.base.errors import SettingsError
from sedrepro.detection.class_thresholds import Thresholded
from sedrepro.detection.frames import segment_frames
from sedrepro.detection.hysteresis import Fixed
from sedrepro.detection.postprocessing import events
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import ClassThresholds, Hysteresis
from sedrepro.inference.listener import Heard, Listener, detected_events, frames_in, gives_masks, united, window_starts
from sedrepro.nn.output import Network, Output

RATE = 8000
CLASSES = ["Low", "High"]


class Loudness(Network):
    """Masks are where a bin is above the mean feature, for the lower and the upper half of the bands."""

    def forward(self, logmel: torch.Tensor, explain: bool = False) -> Output:
        half = logmel.shape[2] // 2
        masks = torch.stack([logmel.clone(), logmel.clone()], dim=1)
        masks[:, 0, :, half:] = masks[:, 1, :, :half] = -9
        masks = torch.sigmoid(masks)
        return Output(masks.amax(dim=(2, 3)), masks.mean(dim=3).transpose(1, 2), maps={"masks": masks})

    def pooled(self, output: Output, frames: slice) -> torch.Tensor:
        return output.maps["masks"][:, :, frames].amax(dim=(2, 3))


class WithoutMasks(Network):
    def forward(self, logmel: torch.Tensor, explain: bool = False) -> Output:
        return Output(logmel.mean(dim=(1, 2))[:, None])


class WithoutExplaining(Network):
    def forward(self, logmel: torch.Tensor) -> Output:
        return Output(logmel.mean(dim=(1, 2))[:, None])


def listener(front_end) -> Listener:
    return Listener(Loudness(), np.full(front_end.n_mels, -5.0), np.full(front_end.n_mels, 2.0), CLASSES, front_end)


# --- windows


@given(frames=st.integers(1, 500), window=st.integers(1, 60))
def test_windows_cover_every_frame_and_end_with_the_recording(frames, window):
    starts = window_starts(frames, window)
    covered = np.zeros(max(frames, window), dtype=int)
    for start in starts:
        covered[start : start + window] += 1
    assert (covered[:frames] > 0).all()
    assert starts == sorted(set(starts))
    assert max(starts) + window == max(frames, window)
    assert all(later - earlier <= max(window // 2, 1) for earlier, later in pairwise(starts))


@pytest.mark.parametrize("changes", [{}, {"centred": True}])
def test_a_recording_of_the_training_length_is_one_window(hann, changes):
    front_end = FrontEnd(**hann.model_dump() | changes)
    assert frames_in(front_end.samples, front_end) == front_end.n_frames
    assert window_starts(front_end.n_frames, front_end.n_frames) == [0]
    assert frames_in(1, front_end) == front_end.n_frames


@pytest.mark.parametrize("changes", [{}, {"centred": True}])
def test_a_window_gives_what_the_network_gives(hann, changes):
    front_end = FrontEnd(**hann.model_dump() | changes)
    samples = np.random.default_rng(0).standard_normal(front_end.samples).astype(np.float32)
    scores = listener(front_end).listen(samples, with_masks=True)
    logmel = LogMel(front_end)(torch.from_numpy(samples))
    output = Loudness()((logmel[None] + 5) / 2)
    np.testing.assert_array_equal(scores.logmel, logmel.numpy())
    np.testing.assert_allclose(scores.masks, output.maps["masks"][0].numpy(), rtol=1e-5)
    np.testing.assert_allclose(scores.frame, output.frame[0].numpy(), rtol=1e-5)
    np.testing.assert_allclose(scores.clip, output.clip.numpy(), rtol=1e-5)


@pytest.mark.parametrize("seconds", [0.7, 2.3])
def test_segments_of_each_window_are_pooled_by_the_network_where_asked_for(hann, seconds):
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)
    assert listener(hann).listen(samples).segments is None
    heard = listener(hann).listen(samples, with_masks=True, segment_seconds=0.25)
    spans = segment_frames(hann.n_frames, hann.frames_per_second, 0.25)
    assert heard.segments.shape == (len(heard.starts), len(spans), 2)
    first = heard.starts[-1]
    in_window = heard.masks[:, first : first + heard.window]
    for number, span in enumerate(spans):
        np.testing.assert_allclose(heard.segments[-1, number], in_window[:, span].max(axis=(1, 2)), atol=1e-5)


def test_a_recording_is_decided_by_the_segments_that_the_network_pooled(hann):
    settings = {"kind": "class_thresholds", "choose_on": "a", "segment_seconds": 0.25, "segment_pooling": "own"}
    how = ClassThresholds(**settings)
    samples = np.random.default_rng(0).standard_normal(hann.samples).astype(np.float32)
    heard = listener(hann).listen(samples, segment_seconds=how.pooled_seconds)
    threshold = float(np.median(heard.segments))
    detector = Thresholded(how, CLASSES, np.array([threshold, threshold]))
    found = detected_events(heard, detector, CLASSES, hann, hann.clip_seconds)
    active = heard.segments[0] >= threshold
    assert sum(event.offset - event.onset for event in found) == pytest.approx(0.25 * active.sum(), abs=0.03)


@pytest.mark.parametrize("changes", [{}, {"centred": True}])
@pytest.mark.parametrize("seconds", [1.1, 2.3, 3.7])
def test_long_recordings_score_as_if_seen_at_once(hann, changes, seconds):
    # The network decides bin by bin, so that windows must not show, but where frames are mirrored at their borders.
    front_end = FrontEnd(**hann.model_dump() | changes)
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)
    scores = listener(front_end).listen(samples, with_masks=True)
    whole = front_end.model_copy(update={"clip_seconds": seconds})
    expected = Loudness()((LogMel(whole)(torch.from_numpy(samples))[None] + 5) / 2)
    assert len(scores.starts) > 1
    assert scores.masks.shape == (2, whole.n_frames, front_end.n_mels)
    atol = 0.1 if changes else 1e-5
    np.testing.assert_allclose(scores.masks, expected.maps["masks"][0].numpy(), atol=atol)
    np.testing.assert_allclose(scores.frame, expected.frame[0].numpy(), atol=atol)


def test_short_recordings_are_followed_by_silence(hann):
    samples = np.random.default_rng(0).standard_normal(3000).astype(np.float32)
    scores = listener(hann).listen(samples, with_masks=True)
    padded = listener(hann).listen(np.pad(samples, (0, hann.samples - 3000)), with_masks=True)
    np.testing.assert_array_equal(scores.masks, padded.masks)
    assert scores.frame.shape == (hann.n_frames, 2)


def test_silence_gives_finite_scores(hann):
    scores = listener(hann).listen(np.zeros(20000, dtype=np.float32), with_masks=True)
    for values in (scores.clip, scores.frame, scores.masks, scores.logmel):
        assert np.isfinite(values).all()


def test_networks_that_give_masks_are_known(hann):
    assert gives_masks(Loudness(), hann)
    assert not gives_masks(WithoutMasks(), hann)
    assert not gives_masks(WithoutExplaining(), hann)


# --- events


HOW = Hysteresis(kind="hysteresis", clip_threshold=0.3, high=0.5, low=0.49, longest_gap_frames=0, shortest_frames=0)
DETECTOR = Fixed(HOW)


def scored(front_end, frames, clip) -> Heard:
    frame, logmel = np.zeros((frames, 2), np.float32), np.zeros((frames, front_end.n_mels), np.float32)
    starts, rate = window_starts(frames, front_end.n_frames), front_end.frames_per_second
    return Heard(starts, front_end.n_frames, np.asarray(clip, np.float32), frame, rate, logmel)


def test_events_lie_at_the_times_of_their_frames(hann):
    scores = scored(hann, hann.n_frames, [[0.9, 0.9]])
    scores.frame[5:10, 0] = scores.frame[20:30, 1] = 0.8
    found = detected_events(scores, DETECTOR, CLASSES, hann, 0.9)
    assert found == [Event(5 * 0.032, 10 * 0.032, "Low"), Event(20 * 0.032, 0.9, "High")]


def test_events_behind_the_end_of_a_short_recording_are_dropped(hann):
    scores = scored(hann, hann.n_frames, [[0.9, 0.9]])
    scores.frame[10:15, 0] = 0.8
    assert detected_events(scores, DETECTOR, CLASSES, hann, 0.2) == []


@dataclass
class Asked:
    """Keeps what it is asked, and finds nothing."""

    scores: Scores | None = None

    def events(self, scores: Scores) -> list[list[Event]]:
        self.scores = scores
        return [[] for _ in scores.filenames]


def test_each_window_lasts_from_its_start_to_the_end_of_the_recording(hann):
    # Post-processing may not see what only fills a window up: events end, and windows of segments are cut, there.
    detector, seconds = Asked(), 1.6 * hann.n_frames / hann.frames_per_second
    heard = scored(hann, round(1.6 * hann.n_frames), np.ones((3, 2)))
    heard.frame[:] = np.arange(len(heard.frame))[:, None]
    detected_events(heard, detector, CLASSES, hann, seconds)
    starts = np.array(heard.starts) / hann.frames_per_second
    assert len(starts) == len(detector.scores.filenames) == 3
    np.testing.assert_allclose(detector.scores.durations, seconds - starts)
    np.testing.assert_array_equal(detector.scores.frame[:, 0, 0], heard.starts)
    assert detector.scores.frame.shape == (3, hann.n_frames, 2)


def test_no_event_of_any_window_outlasts_the_recording(hann):
    heard = scored(hann, round(1.6 * hann.n_frames), np.ones((3, 2)))
    heard.frame[:] = 0.8
    seconds = 1.4 * hann.n_frames / hann.frames_per_second
    found = detected_events(heard, DETECTOR, CLASSES, hann, seconds)
    assert found == [Event(0, pytest.approx(seconds), label) for label in sorted(CLASSES)]


def test_each_window_is_decided_by_its_own_clip_scores(hann):
    frames = 3 * hann.n_frames
    scores = scored(hann, frames, [[0.9, 0], [0, 0], [0, 0], [0, 0], [0, 0.9]])
    scores.frame[:] = 0.8
    found = detected_events(scores, DETECTOR, CLASSES, hann, 99)
    first, last = hann.n_frames * 0.032, 2 * hann.n_frames * 0.032
    assert found == [
        Event(0, pytest.approx(first), "Low"),
        Event(pytest.approx(last), pytest.approx(1.5 * last), "High"),
    ]


def test_an_event_across_windows_stays_one(hann):
    frames = 2 * hann.n_frames
    scores = scored(hann, frames, [[0.9, 0]] * 3)
    scores.frame[10:50, 0] = 0.8
    assert detected_events(scores, DETECTOR, CLASSES, hann, 99) == [Event(10 * 0.032, 50 * 0.032, "Low")]


# --- networks of other kinds


class Pooled(Network):
    """Scores of four frames of features each: their mean loudness, and of the other class its complement."""

    time_reduction = 4

    def forward(self, logmel: torch.Tensor) -> Output:
        frames = logmel.shape[1] // self.time_reduction * self.time_reduction
        score = torch.sigmoid(logmel[:, :frames].mean(dim=2)).unflatten(1, (-1, self.time_reduction)).mean(dim=2)
        frame = torch.stack([score, 1 - score], dim=2)
        return Output(frame.mean(dim=1), frame)


class OfOneLength(Network):
    """A linear map over time, which takes windows of exactly one length."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.time = torch.nn.Linear(frames, frames)

    def forward(self, logmel: torch.Tensor) -> Output:
        frame = torch.sigmoid(self.time(logmel.mean(dim=2)))[:, :, None].repeat(1, 1, 2)
        return Output(frame.amax(dim=1), frame)


class WithoutFrames(Network):
    def forward(self, logmel: torch.Tensor) -> Output:
        return Output(logmel.mean(dim=(1, 2))[:, None])


def of(network: Network, front_end) -> Listener:
    return Listener(network, np.full(front_end.n_mels, -5.0), np.full(front_end.n_mels, 2.0), CLASSES, front_end)


@given(frames=st.integers(1, 500), window=st.integers(4, 60), grid=st.integers(1, 4))
def test_windows_begin_on_the_grid_of_the_scores(frames, window, grid):
    starts = window_starts(frames, window, grid)
    assert all(start % grid == 0 for start in starts)
    assert starts == sorted(set(starts))
    assert frames <= max(starts) + window < max(frames, window) + grid
    assert all(later - earlier <= max(window // 2, grid) for earlier, later in pairwise(starts))


@pytest.mark.parametrize("seconds", [1, 2.3, 3.71])
def test_networks_that_pool_time_are_heard_on_one_grid(hann, seconds):
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)
    heard = of(Pooled(), hann).listen(samples)
    whole = hann.model_copy(update={"clip_seconds": seconds})
    expected = Pooled()((LogMel(whole)(torch.from_numpy(samples))[None] + 5) / 2).frame[0].numpy()
    assert heard.frames_per_second == hann.frames_per_second / 4
    assert len(heard.logmel) == whole.n_frames
    assert len(heard.frame) >= len(expected)
    np.testing.assert_allclose(heard.frame[: len(expected)], expected, atol=1e-5)
    assert heard.masks is None


@pytest.mark.parametrize("samples", [1, 500, 8000, 8001, 30000])
def test_networks_of_one_length_hear_recordings_of_any(hann, samples):
    heard = of(OfOneLength(hann.n_frames), hann).listen(np.zeros(samples, np.float32))
    assert heard.frame.shape == (frames_in(samples, hann), 2)
    assert np.isfinite(heard.frame).all()


def test_short_recordings_are_filled_up_as_the_front_end_says(hann):
    front_end = hann.model_copy(update={"padding": "zero_features"})
    samples = np.random.default_rng(0).standard_normal(3000).astype(np.float32)
    heard = of(Pooled(), front_end).listen(samples)
    np.testing.assert_array_equal(heard.logmel, clip_features(samples, front_end))
    assert not heard.logmel[-1].any()


def test_networks_without_frame_scores_are_refused(hann):
    with pytest.raises(SettingsError, match="has no frame scores"):
        of(WithoutFrames(), hann).listen(np.zeros(100, np.float32))


def test_recordings_of_minutes_are_heard(hann):
    heard = of(Pooled(), hann).listen(np.zeros(180 * RATE, np.float32))
    assert len(heard.frame) * 4 == pytest.approx(180 * hann.frames_per_second, abs=8)


# --- events that several windows have found

TIMES = st.integers(0, 60)
EVENTS = st.lists(
    st.builds(lambda a, n, label: Event(a, a + n, label), TIMES, st.integers(1, 9), st.sampled_from("ab"))
)


@given(EVENTS)
def test_united_events_cover_what_the_events_cover_and_never_touch(events):
    kept = united(events)
    assert kept == sorted(kept)
    for label in "ab":
        spans = [[(e.onset, e.offset) for e in some if e.event_label == label] for some in (events, kept)]
        covered = [{second for onset, offset in some for second in range(onset, offset)} for some in spans]
        assert covered[0] == covered[1]
        assert all(one[1] < other[0] for one, other in pairwise(sorted(spans[1])))


@given(frames=st.integers(1, 150), seed=st.integers(0, 99))
def test_without_a_gate_windows_do_not_show(published, frames, seed):
    """A threshold on each frame by itself finds in windows what it finds at once."""
    changes = {"sample_rate": RATE, "clip_seconds": 1, "window_length": 512, "hop_length": 256, "fmax": RATE / 2}
    front_end = FrontEnd(**published.model_dump() | changes)
    seconds = frames / front_end.frames_per_second
    total = max(frames, front_end.n_frames)
    heard = scored(front_end, total, np.ones((len(window_starts(total, front_end.n_frames)), 2)))
    heard.frame[:] = np.random.default_rng(seed).random(heard.frame.shape).round(1)
    found = detected_events(heard, DETECTOR, CLASSES, front_end, seconds)
    active = (heard.frame >= 0.5)[None]
    (expected,) = events(active, front_end.frames_per_second, CLASSES, [seconds])
    for label in CLASSES:
        times = [[t for e in some if e.event_label == label for t in (e.onset, e.offset)] for some in (found, expected)]
        assert times[0] == pytest.approx(times[1], abs=2e-6)
