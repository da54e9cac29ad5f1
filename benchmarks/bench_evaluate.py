"""Evaluating an event list: the suite's `evaluate` against the usual script, in one run.

1,168 clips of 10 s (the validation set of DCASE 2019 Task 4) with 10 classes are synthesised: reference events, and a
list that finds most of them late or short and some that are not there. The script reads both lists into pandas,
takes the rows of one clip after the other, and gives them to sed_eval, by events and by segments; given lists in
memory, sed_eval alone is timed beside it. The suite reads the same files, matches names, computes the same metrics and
F1 of tags, and draws 1000 resamples of the clips for intervals. All must find the same metrics.

    python benchmarks/bench_evaluate.py [--clips 1168] [--repeats 3]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sedrepro.annotations.clips import STRONG_COLUMNS, Event
from sedrepro.base.files import write_table
from sedrepro.evaluation.by_sed_eval import sed_eval
from sedrepro.evaluation.event_based import event_metrics
from sedrepro.evaluation.segment_based import segment_metrics
from sedrepro.predictions.evaluate import Wishes, evaluate
from sedrepro.predictions.protocol import DEFAULT, Protocol
from sedrepro.predictions.reference import table_reference

CLASSES = [f"class {number}" for number in range(10)]
#: Of the evaluation after start-up.
LIMIT_SECONDS = 2.0


def synthesised(clips: int) -> tuple[dict[str, list[Event]], dict[str, list[Event]]]:
    """Reference and estimated events of every clip, some four of either."""
    random = np.random.default_rng(0)
    reference: dict[str, list[Event]] = {}
    estimated: dict[str, list[Event]] = {}
    for number in range(clips):
        name = f"Y{number:011d}_0.000_10.000.wav"
        drawn = [random_event(random) for _ in range(random.integers(1, 8))]
        found = [shifted(event, random) for event in drawn if random.random() < 0.7]
        reference[name] = drawn
        estimated[name] = found + [random_event(random) for _ in range(random.integers(0, 3))]
    return reference, estimated


def random_event(random: np.random.Generator) -> Event:
    """An event of 0.2 to 5 s, to the millisecond."""
    onset = round(float(random.uniform(0, 9)), 3)
    return Event(onset, round(min(10.0, onset + float(random.uniform(0.2, 5))), 3), CLASSES[random.integers(10)])


def shifted(event: Event, random: np.random.Generator) -> Event:
    """The event with its ends moved by up to 0.3 s, sometimes of another class."""
    onset = round(max(0.0, event.onset + float(random.uniform(-0.3, 0.3))), 3)
    offset = round(max(onset, event.offset + float(random.uniform(-0.3, 0.3))), 3)
    return Event(onset, offset, event.event_label if random.random() < 0.9 else CLASSES[random.integers(10)])


def write_list(path: Path, events: dict[str, list[Event]]) -> Path:
    """An event list."""
    rows = [(name, e.onset, e.offset, e.event_label) for name, of_clip in events.items() for e in of_clip]
    write_table(path, STRONG_COLUMNS, rows)
    return path


def by_script(reference_file: Path, estimated_file: Path) -> dict[str, float]:
    """Macro F1 and error rates, as one computes them with pandas and sed_eval."""
    reference, estimated = (pd.read_csv(path, sep="\t") for path in (reference_file, estimated_file))
    metrics = sed_eval().sound_event
    evaluations = {
        "event": metrics.EventBasedMetrics(CLASSES, t_collar=0.2, percentage_of_length=0.2),
        "segment": metrics.SegmentBasedMetrics(CLASSES, time_resolution=1.0),
    }
    for name in reference["filename"].unique():
        of_clip = [table[table["filename"] == name].to_dict("records") for table in (reference, estimated)]
        for evaluation in evaluations.values():
            evaluation.evaluate(*of_clip)
    found = {}
    for prefix, evaluation in evaluations.items():
        means = evaluation.results_class_wise_average_metrics()
        found[f"{prefix}_f1"] = means["f_measure"]["f_measure"]
        found[f"{prefix}_error_rate"] = means["error_rate"]["error_rate"]
    return found


def main() -> None:
    """Run both and print seconds and the ratio."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clips", type=int, default=1168)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    events = synthesised(given.clips)
    event_metrics({"a": []}, {}, CLASSES, DEFAULT.event_based)  # imports sed_eval
    script, alone, suite, bare = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        files = [write_list(Path(folder) / f"{name}.tsv", part) for name, part in zip("re", events, strict=True)]
        for _ in range(given.repeats):
            started = time.perf_counter()
            of_script = by_script(*files)
            script.append(time.perf_counter() - started)
            started = time.perf_counter()
            expected = event_metrics(*events, CLASSES, DEFAULT.event_based)["metrics"]
            expected |= segment_metrics(*events, CLASSES, DEFAULT.segment_based)["metrics"]
            alone.append(time.perf_counter() - started)
            for resamples, times in ((0, bare), (1000, suite)):
                started = time.perf_counter()
                reference = table_reference(files[0], None)
                found = evaluate(files[1], reference, Protocol(DEFAULT), Wishes(resamples=resamples), None).metrics
                times.append(time.perf_counter() - started)
    for name, value in [*expected.items(), *of_script.items()]:
        if value is not None and abs(found[name] - value) > 2e-6:
            raise SystemExit(f"{name}: {value} by sed_eval, {found[name]} here: the times compare different things")
    print(f"evaluate, {given.clips} clips, median of {given.repeats} runs")
    for what, base in (("pandas and sed_eval", script), ("sed_eval alone, of lists in memory", alone)):
        ratios = [b / s for b, s in zip(base, bare, strict=True)]
        print(
            f"  {what} {statistics.median(base):.2f} s, sedrepro with reading {statistics.median(bare):.2f} s, ratio "
            f"{statistics.median(ratios):.1f} (lowest {min(ratios):.1f}, highest {max(ratios):.1f})"
        )
    whole = statistics.median(suite)
    kept = "kept" if whole < LIMIT_SECONDS else "missed"
    print(f"  with 1000 resamples for intervals {whole:.2f} s: the limit of {LIMIT_SECONDS:g} s is {kept}")


if __name__ == "__main__":
    main()
