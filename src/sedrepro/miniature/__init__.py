"""Miniature data sets: synthesised recordings in the official folder layouts; everything runs without a download."""

from collections.abc import Callable
from pathlib import Path

from sedrepro.miniature.dcase2017_task4 import write_dcase2017_task4
from sedrepro.miniature.dcase2019_task4 import write_dcase2019_task4
from sedrepro.miniature.remix_sources import write_scenes, write_sound_events

WRITERS: dict[str, Callable[[Path, int], None]] = {
    "fsdkaggle2018": write_sound_events,
    "tau_urban_2019": write_scenes,
    "dcase2017_task4": write_dcase2017_task4,
    "dcase2019_task4": write_dcase2019_task4,
}
"""Writes one data set below a root with a seed."""
