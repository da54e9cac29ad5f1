"""Claims and evidence made by hand."""

from collections import defaultdict

from examples import detection, run

from sedrepro.published.claims import COLUMNS, Claim
from sedrepro.reporting.claims.evidence import Evidence

LABELS = {"a": "A", "b": "B", "c": "C", "d": "D"}


def claim(systems="a", others="b", **other):
    """A claim that system a has a higher micro-p than b, with what differs."""
    text = dict.fromkeys((*COLUMNS, "note"), "")
    text |= {"id": "1", "kind": "order", "table": "Table 1", "claim": "one", "variant": "remix_0db", "quote": "so"}
    text |= {"metric": "micro_ap", "direction": "higher", "strength": "every"}
    text |= {"support": "yes", "support_reason": "printed so"}
    sides = {"systems": tuple(filter(None, systems.split(";"))), "others": tuple(filter(None, others.split(";")))}
    return Claim(**text | sides | other)


def evidence(*runs, **other):
    """Evidence of these runs at miniature scale, two decimals."""
    of_pair = defaultdict(list)
    for one in runs:
        of_pair[one.system, one.variant].append(one)
    return Evidence(of_pair, LABELS, "miniature", lambda metric: 2, **other)


def detections_run(fold, **event_f1):
    """A run of system a with ways of detection and their event-based F1."""
    ways = {name: detection(event_f1=value) for name, value in event_f1.items()}
    return run(0.5, "a", fold=fold, metrics={"micro_ap": 0.5}, detections=ways)
