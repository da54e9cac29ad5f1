"""The official data sets: one module each, and nothing else here.

A module offers

    ARCHIVE            the data set of the download manifest that brings its files
    LABELS             its official label tables, below the data root
    SPLITS
    CLIP_SECONDS       the length that a clip should have
    clips(data_root)   every clip that the tables list, as `annotations.clips.Clip`; the audio need not be there

and, where they apply, what `TRAITS` lists.
"""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

from sedrepro.annotations.clips import Clip
from sedrepro.base.errors import SettingsError, did_you_mean

TRAITS: dict[str, Any] = {
    "CLASSES": (),  # in the official order
    "FOLDS": 0,  # for cross-validation
    "CLIPS": {},  # by split, how many the official tables list
    "ONLY_ON_YOUTUBE": (),  # splits whose audio no archive holds
    "USES_SILENT_CLIPS": False,  # a digitally silent clip is as good a test clip as another
    "SERVED_FROM": None,  # a data set of the manifest that holds this one too
    "TAKES_SPLITS": False,  # `clips` takes `splits` too, and reads the tables of those alone
    "label_tables": None,  # (data_root) -> the label tables where they lie, if that is not always LABELS
}


def data_set_names() -> list[str]:
    """All data sets of the suite."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def data_set(name: str) -> ModuleType:
    """The module of a data set.

    Raises:
        SettingsError: there is no such data set (names the nearest).
    """
    if name not in data_set_names():
        raise SettingsError(f"data set '{name}' is unknown; {did_you_mean(name, data_set_names())}")
    return importlib.import_module(f"{__name__}.{name}")


def clips_of(name: str, data_root: Path, split: str) -> list[Clip]:
    """The clips of one split of a data set; the tables of other splits need not be there if each has its own.

    Raises:
        DataError: a table is missing or has a bad row (names file and row).
    """
    module = data_set(name)
    listed = module.clips(data_root, (split,)) if trait(name, "TAKES_SPLITS") else module.clips(data_root)
    return [clip for clip in listed if clip.split == split]


def trait(name: str, which: str) -> Any:
    """What a data set says of one of `TRAITS`, or what goes without saying."""
    return getattr(data_set(name), which, TRAITS[which])
