"""The scales, in which everything is the same workflow."""

from typing import Literal, get_args

Scale = Literal["miniature", "recordings", "full", "rehearsal"]
SCALES: tuple[str, ...] = get_args(Scale)
#: `full` but for what is heard and learned: synthesised sounds, three steps of training, random scores.
REHEARSAL = "rehearsal"
#: Scales whose data sets are synthesised.
SYNTHESISED = ("miniature", REHEARSAL)
