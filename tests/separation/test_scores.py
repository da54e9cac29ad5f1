from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.logmel import LogMel
from sedrepro.clips import Event
from sedrepro.nn.output import Network, Output
from sedrepro.separation.scores import Listener, Scores, detected_events, frames_in, gives_masks, window_starts

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
    scores = listener(front_end).scores(samples)
    logmel = LogMel(front_end)(torch.from_numpy(samples))
    output = Loudness()((logmel[None] + 5) / 2)
    np.testing.assert_array_equal(scores.logmel, logmel.numpy())
    np.testing.assert_allclose(scores.masks, output.maps["masks"][0].numpy(), rtol=1e-5)
    np.testing.assert_allclose(scores.frame, output.frame[0].numpy(), rtol=1e-5)
    np.testing.assert_allclose(scores.clip, output.clip.numpy(), rtol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"centred": True}])
@pytest.mark.parametrize("seconds", [1.1, 2.3, 3.7])
def test_long_recordings_score_as_if_seen_at_once(hann, changes, seconds):
    # The network decides bin by bin, so that windows must not show, but where frames are mirrored at their borders.
    front_end = FrontEnd(**hann.model_dump() | changes)
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)
    scores = listener(front_end).scores(samples)
    whole = front_end.model_copy(update={"clip_seconds": seconds})
    expected = Loudness()((LogMel(whole)(torch.from_numpy(samples))[None] + 5) / 2)
    assert len(scores.windows) > 1
    assert scores.masks.shape == (2, whole.n_frames, front_end.n_mels)
    atol = 0.1 if changes else 1e-5
    np.testing.assert_allclose(scores.masks, expected.maps["masks"][0].numpy(), atol=atol)
    np.testing.assert_allclose(scores.frame, expected.frame[0].numpy(), atol=atol)


def test_short_recordings_are_followed_by_silence(hann):
    samples = np.random.default_rng(0).standard_normal(3000).astype(np.float32)
    scores = listener(hann).scores(samples)
    padded = listener(hann).scores(np.pad(samples, (0, hann.samples - 3000)))
    np.testing.assert_array_equal(scores.masks, padded.masks)
    assert scores.frame.shape == (hann.n_frames, 2)


def test_silence_gives_finite_scores(hann):
    scores = listener(hann).scores(np.zeros(20000, dtype=np.float32))
    for values in (scores.clip, scores.frame, scores.masks, scores.logmel):
        assert np.isfinite(values).all()


def test_networks_that_give_masks_are_known(hann):
    assert gives_masks(Loudness(), hann)
    assert not gives_masks(WithoutMasks(), hann)
    assert not gives_masks(WithoutExplaining(), hann)


# --- events


def detect(frame: np.ndarray, clip: np.ndarray) -> np.ndarray:
    """Frames from 0.5 on of classes that are above 0.3 in the clip."""
    return (frame >= 0.5) & (clip[:, None] > 0.3)


def scored(front_end, frames, clip) -> Scores:
    frame = np.zeros((frames, 2), np.float32)
    empty = np.zeros((2, frames, front_end.n_mels), np.float32)
    return Scores(window_starts(frames, front_end.n_frames), np.asarray(clip, np.float32), frame, empty, empty[0])


def test_events_lie_at_the_times_of_their_frames(hann):
    scores = scored(hann, hann.n_frames, [[0.9, 0.9]])
    scores.frame[5:10, 0] = scores.frame[20:30, 1] = 0.8
    found = detected_events(scores, detect, CLASSES, hann, 0.9)
    assert found == [Event(5 * 0.032, 10 * 0.032, "Low"), Event(20 * 0.032, 0.9, "High")]


def test_events_behind_the_end_of_a_short_recording_are_dropped(hann):
    scores = scored(hann, hann.n_frames, [[0.9, 0.9]])
    scores.frame[10:15, 0] = 0.8
    assert detected_events(scores, detect, CLASSES, hann, 0.2) == []


def test_each_window_is_decided_by_its_own_clip_scores(hann):
    frames = 3 * hann.n_frames
    scores = scored(hann, frames, [[0.9, 0], [0, 0], [0, 0], [0, 0], [0, 0.9]])
    scores.frame[:] = 0.8
    found = detected_events(scores, detect, CLASSES, hann, 99)
    first, last = hann.n_frames * 0.032, 2 * hann.n_frames * 0.032
    assert found == [
        Event(0, pytest.approx(first), "Low"),
        Event(pytest.approx(last), pytest.approx(1.5 * last), "High"),
    ]


def test_an_event_across_windows_stays_one(hann):
    frames = 2 * hann.n_frames
    scores = scored(hann, frames, [[0.9, 0]] * 3)
    scores.frame[10:50, 0] = 0.8
    assert detected_events(scores, detect, CLASSES, hann, 99) == [Event(10 * 0.032, 50 * 0.032, "Low")]
