"""Segment-based metrics of detected events, by sed_eval.

A class is active in a segment that one of its events touches. In each segment substitutions are what reference and
estimate have to pair up wrongly, deletions what the reference has more, insertions what the estimate has more; the
error rate is their sum over the active reference segments (Mesaros, Heittola and Virtanen, Metrics for Polyphonic
Sound Event Detection, 2016). `sedrepro.evaluation.by_sed_eval` says what has no value.
"""

from collections.abc import Mapping, Sequence

from sedrepro.annotations.clips import Event
from sedrepro.evaluation.by_sed_eval import metrics_by, sed_eval
from sedrepro.evaluation.settings import SegmentBased


def segment_metrics(
    reference: Mapping[str, Sequence[Event]],
    estimated: Mapping[str, Sequence[Event]],
    classes: Sequence[str],
    settings: SegmentBased,
) -> dict:
    """Segment-based metrics of the files of `reference`; both map a filename to its events, of which it may have none.

    Returns `metrics`, their names starting with `segment_` (error_rate, substitution_rate, deletion_rate,
    insertion_rate, precision, recall, f1), and `class_metrics`, as `metrics_by` describes them.

    Raises:
        DataError: an estimated file is not in the reference, or an event is of no class or has impossible times.
    """
    evaluation = sed_eval().sound_event.SegmentBasedMetrics(list(classes), settings.segment_seconds)
    return metrics_by(evaluation, "segment", reference, estimated, classes, settings)
