"""The official data sets: one module each, and nothing else here.

A module offers `ARCHIVES`, data sets of the download manifest that bring its files; `LABELS`, its official label tables
below the data root; `SPLITS`; `CLIP_SECONDS`, the length that a clip should have; and `clips(data_root)`, every
clip that the tables list. Optional: `ONLY_ON_YOUTUBE`, splits that no archive holds, and `SERVED_FROM`, a data set that
holds this one too.
"""

import importlib
import pkgutil
from types import ModuleType

from sedrepro.errors import SettingsError, did_you_mean


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
