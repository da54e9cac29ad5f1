"""How many batches an epoch has, told by the settings and the numbers of clips alone. No torch here."""

from collections.abc import Mapping

from sedrepro.training.settings import Confidence, OfMeanTeacher, Training


def batch_parts(training: Training) -> dict[str, int]:
    """Clips of each kind that make up a batch, by role; empty where all clips come in one order."""
    method = training.method
    if not isinstance(method, OfMeanTeacher):
        return {}
    parts = method.composition.model_dump()
    if isinstance(method, Confidence) and method.penalty_on == "strong":
        return {"strong": parts["strong"]}
    return parts


def batches_per_epoch(training: Training, clips: Mapping[str, int]) -> int:
    """Batches of an epoch on so many `clips` that train, by role.

    Composed batches end with the kind of clip that is through first; of one order of all, the last batch may be short.
    """
    if parts := batch_parts(training):
        return min(clips.get(name, 0) // size for name, size in parts.items())
    return -(-sum(clips.values()) // training.batch_size)
