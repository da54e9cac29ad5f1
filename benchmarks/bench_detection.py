"""Detection: the search of post-processing against the straightforward way, on the same scores, in one run.

Scores of 488 clips of 10 s (the testing set of DCASE 2017 Task 4), 125 frames and 17 classes are synthesised; the grid
has 1520 settings. Script: per setting and class-wise curve scipy.ndimage.median_filter and a loop over frames, then
sed_eval over all files; for a sample of the settings only. The suite searches the whole grid. Both must find the same
error rate for every sampled setting.

    python benchmarks/bench_detection.py [--clips 488] [--sample 5] [--repeats 3]
"""

import argparse
import random
import statistics
import time
from itertools import product

import numpy as np
from scipy.ndimage import median_filter

from sedrepro.annotations.clips import Event
from sedrepro.detection.postprocessing import active_frames, events
from sedrepro.detection.search import search
from sedrepro.detection.segments import segment_activity
from sedrepro.detection.settings import PostProcessing, Search
from sedrepro.evaluation.segment_based import segment_metrics
from sedrepro.evaluation.settings import SegmentBased

CLASSES = [f"class {number}" for number in range(17)]
FRAMES, FRAMES_PER_SECOND, SEGMENT_SECONDS = 125, 12.5, 1.0
GRID = Search(
    kind="search",
    choose_on="testing",
    criterion="error_rate",
    thresholds=tuple(step / 20 for step in range(1, 20)),
    median_seconds=(0, 0.24, 0.4, 0.72, 1.2),
    longest_gap_seconds=(0, 0.2, 0.4, 0.8),
    shortest_seconds=(0, 0.2, 0.4, 0.8),
    border="inactive",
)
EVALUATION = SegmentBased(segment_seconds=SEGMENT_SECONDS, averaging="micro", undetected_classes="zero")


def synthesised(clips: int, seed: int) -> np.ndarray:
    """Scores that drift in and out of activity, (clip, frame, class), about a twentieth of them above 0.5."""
    generator = np.random.default_rng(seed)
    drift = np.cumsum(generator.normal(size=(clips, FRAMES, len(CLASSES))), axis=1) * 0.3 - 4
    return (1 / (1 + np.exp(-drift - generator.normal(size=drift.shape)))).astype(np.float32)


def one_class(scores: np.ndarray, how: PostProcessing, label: str) -> list[Event]:
    """Events of one class of one clip, (frame,), a frame at a time."""
    window = round(how.median_seconds * FRAMES_PER_SECOND) | 1
    decisions = median_filter((scores >= how.threshold).astype(float), size=window, mode="constant")
    runs: list[list[int]] = []
    for frame, active in enumerate(decisions):
        if active and runs and frame - runs[-1][1] <= round(how.longest_gap_seconds * FRAMES_PER_SECOND):
            runs[-1][1] = frame + 1
        elif active and runs and frame == runs[-1][1]:
            runs[-1][1] += 1
        elif active:
            runs.append([frame, frame + 1])
    shortest = round(how.shortest_seconds * FRAMES_PER_SECOND)
    kept = [run for run in runs if run[1] - run[0] >= shortest]
    return [Event(start / FRAMES_PER_SECOND, stop / FRAMES_PER_SECOND, label) for start, stop in kept]


def straightforward(scores: np.ndarray, reference: dict[str, list[Event]], how: PostProcessing) -> float:
    """Error rate of one setting, clip after clip and class after class, by sed_eval."""
    estimated = {
        name: [event for i, label in enumerate(CLASSES) for event in one_class(clip[:, i], how, label)]
        for name, clip in zip(reference, scores, strict=True)
    }
    return segment_metrics(reference, estimated, CLASSES, EVALUATION)["metrics"]["segment_error_rate"]


def sampled(count: int) -> list[PostProcessing]:
    """Some settings of the grid."""
    grid = product(GRID.thresholds, GRID.median_seconds, GRID.longest_gap_seconds, GRID.shortest_seconds)
    chosen = random.Random(0).sample(list(grid), count)
    return [PostProcessing(**dict(zip(PostProcessing.model_fields, values, strict=True))) for values in chosen]


def only(how: PostProcessing) -> Search:
    """The search that tries this one setting."""
    return Search(
        kind="search",
        choose_on=GRID.choose_on,
        criterion=GRID.criterion,
        thresholds=(how.threshold,),
        median_seconds=(how.median_seconds,),
        longest_gap_seconds=(how.longest_gap_seconds,),
        shortest_seconds=(how.shortest_seconds,),
        border=GRID.border,
    )


def main() -> None:
    """Run both and print milliseconds per setting and the ratio."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clips", type=int, default=488)
    options.add_argument("--sample", type=int, default=5)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    scores, durations = synthesised(given.clips, seed=1), [FRAMES / FRAMES_PER_SECOND] * given.clips
    truth = PostProcessing(threshold=0.5, median_seconds=0.4, longest_gap_seconds=0.4, shortest_seconds=0.4)
    other = (scores + synthesised(given.clips, seed=2)) / 2
    labels = events(active_frames(other, truth, FRAMES_PER_SECOND, GRID.border), FRAMES_PER_SECOND, CLASSES, durations)
    reference = {f"{number}.wav": of_clip for number, of_clip in enumerate(labels)}
    activity = segment_activity(labels, CLASSES, SEGMENT_SECONDS)
    settings, base, suite = sampled(given.sample), [], []
    straightforward(scores[:1], dict(list(reference.items())[:1]), settings[0])  # imports sed_eval
    for _ in range(given.repeats):
        started = time.perf_counter()
        expected = [straightforward(scores, reference, how) for how in settings]
        base.append((time.perf_counter() - started) / len(settings) * 1e3)
        started = time.perf_counter()
        found = search(scores, activity, GRID, FRAMES_PER_SECOND, durations, SEGMENT_SECONDS)
        suite.append((time.perf_counter() - started) / found.combinations * 1e3)
    for how, rate in zip(settings, expected, strict=True):
        ours = search(scores, activity, only(how), FRAMES_PER_SECOND, durations, SEGMENT_SECONDS).value
        if abs(ours - rate) > 1e-6 or found.value > rate + 1e-6:
            raise SystemExit(f"{how}: error rate {rate}, but {ours} by the search: the times compare different things")
    ratios = [b / s for b, s in zip(base, suite, strict=True)]
    print(f"search of {found.combinations} settings, {given.clips} clips, median of {given.repeats} runs")
    print(
        f"  script {statistics.median(base):.1f} ms per setting, sedrepro {statistics.median(suite):.2f} ms,", end=" "
    )
    print(f"ratio {statistics.median(ratios):.0f} (lowest {min(ratios):.0f}, highest {max(ratios):.0f})")


if __name__ == "__main__":
    main()
