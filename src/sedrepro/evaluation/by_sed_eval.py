"""What segment-based and event-based metrics share: running sed_eval, what has no value, and averages.

What has no value is None: precision without output; everything else without reference events, where sed_eval divides
by 1e-16 and so gives error rates near 1e15. F1 without output but with reference events is 0 (sed_eval: NaN); for
single classes that is a setting.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.evaluation.averages import mean_of_defined, stored
from sedrepro.evaluation.settings import Averaged

METRICS = ("error_rate", "substitution_rate", "deletion_rate", "insertion_rate", "precision", "recall", "f1")
CLASS_METRICS = tuple(name for name in METRICS if name != "substitution_rate")


def sed_eval() -> ModuleType:
    """sed_eval, imported only where it is used: it brings much along, and a warning on which a user can do nothing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
        import sed_eval
    return sed_eval


def metrics_by(
    evaluation,
    prefix: str,
    reference: Mapping[str, Sequence[Event]],
    estimated: Mapping[str, Sequence[Event]],
    classes: Sequence[str],
    settings: Averaged,
) -> dict:
    """Metrics of the files of `reference` by a fresh sed_eval `evaluation` of `classes`.

    Both lists map a filename to its events, of which it may have none. Returns `metrics`, their names `<prefix>_` and
    one of `METRICS`, and `class_metrics`, the same for every class but for the substitution rate, which a single class
    does not have. All are fractions, rounded to 6 digits. Macro averages are over the classes with reference events in
    which the metric has a value.

    Raises:
        DataError: an estimated file is not in the reference, or an event is of no class or has impossible times.
    """
    for filename in estimated:
        if filename not in reference:
            raise DataError(f"{filename}: has estimated events but no reference; {did_you_mean(filename, reference)}")
    for filename, events in reference.items():
        evaluation.evaluate(
            _as_dicts(filename, events, classes), _as_dicts(filename, estimated.get(filename, ()), classes)
        )
    of_classes = {label: _class_values(evaluation, label, settings.undetected_classes) for label in classes}
    overall = _overall_values(evaluation) if settings.averaging == "micro" else _means(list(of_classes.values()))
    return {
        "metrics": {f"{prefix}_{name}": stored(overall[name]) for name in METRICS},
        "class_metrics": {
            f"{prefix}_{name}": {label: stored(values[name]) for label, values in of_classes.items()}
            for name in CLASS_METRICS
        },
    }


def _as_dicts(filename: str, events: Sequence[Event], classes: Sequence[str]) -> list[dict]:
    for event in events:
        if event.event_label not in classes:
            raise DataError(
                f"{filename}: class '{event.event_label}' is unknown; {did_you_mean(event.event_label, classes)}"
            )
        if not 0 <= event.onset <= event.offset < math.inf:
            raise DataError(f"{filename}: an event from {event.onset} s to {event.offset} s; correct its times")
    return [{"onset": e.onset, "offset": e.offset, "event_label": e.event_label} for e in events]


def _overall_values(evaluation) -> dict[str, float]:
    rates, scores = evaluation.overall_error_rate(), evaluation.overall_f_measure()
    return _values(evaluation.overall, rates, scores, f1_without_output=0.0)


def _class_values(evaluation, label: str, undetected: str) -> dict[str, float]:
    rates, scores = evaluation.class_wise_error_rate(label), evaluation.class_wise_f_measure(label)
    without_output = 0.0 if undetected == "zero" else math.nan
    return _values(evaluation.class_wise[label], rates, scores, without_output)


def _values(counts: Mapping, rates: Mapping, scores: Mapping, f1_without_output: float) -> dict[str, float]:
    """What sed_eval gives, NaN where there is no value."""
    f1 = scores["f_measure"] if counts["Nsys"] else f1_without_output
    values = {**rates, "precision": scores["precision"], "recall": scores["recall"], "f1": f1}
    return values if counts["Nref"] else dict.fromkeys(values, math.nan) | {"precision": values["precision"]}


def _means(of_classes: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means over classes with reference events, which are those with a recall."""
    heard = [values for values in of_classes if not math.isnan(values["recall"])]
    means = {name: mean_of_defined([values[name] for values in heard]) for name in CLASS_METRICS}
    return {"substitution_rate": math.nan} | means
