"""Event-based metrics of detected events, by sed_eval.

A detected event is correct if one reference event of its class has its onset within the collar and its offset within
the collar or a share of the reference event's length, whichever is more; borders included. Each event is used once, in
the matching that makes most events correct. Pooled over classes, an event that fits one of another class in time is a
substitution; within one class there are only deletions and insertions, and the error rate, (S + D + I) over the
reference events, is their sum (Mesaros, Heittola and Virtanen, Metrics for Polyphonic Sound Event Detection, 2016).
A row that stands twice counts twice. `sedrepro.evaluation.by_sed_eval` says what has no value.
"""

from collections.abc import Mapping, Sequence

from sedrepro.annotations.clips import Event
from sedrepro.evaluation.by_sed_eval import metrics_by, sed_eval
from sedrepro.evaluation.settings import EventBased


def event_metrics(
    reference: Mapping[str, Sequence[Event]],
    estimated: Mapping[str, Sequence[Event]],
    classes: Sequence[str],
    settings: EventBased,
) -> dict:
    """Event-based metrics of the files of `reference`; both map a filename to its events, of which it may have none.

    Returns `metrics`, their names starting with `event_` (error_rate, substitution_rate, deletion_rate,
    insertion_rate, precision, recall, f1), and `class_metrics`, as `metrics_by` describes them.

    Raises:
        DataError: an estimated file is not in the reference, or an event is of no class or has impossible times.
    """
    evaluation = sed_eval().sound_event.EventBasedMetrics(
        list(classes), t_collar=settings.collar_seconds, percentage_of_length=settings.offset_share
    )
    return metrics_by(evaluation, "event", reference, estimated, classes, settings)
