"""Obtaining and reading each data set: one module each, plus the remix and the miniature corpora."""

import importlib
import pkgutil
from types import ModuleType

from sedrepro.errors import SettingsError, did_you_mean


def data_set(name: str) -> ModuleType:
    """The module of an official data set: `LABELS`, its label table below the data root, and `recordings(data_root)`.

    Raises:
        SettingsError: there is no such data set (names the nearest).
    """
    modules = [module.name for module in pkgutil.iter_modules(__path__)]
    module = importlib.import_module(f"{__name__}.{name}") if name in modules else None
    if not hasattr(module, "LABELS"):
        known = [m for m in modules if hasattr(importlib.import_module(f"{__name__}.{m}"), "LABELS")]
        raise SettingsError(f"data set '{name}' is unknown; {did_you_mean(name, known)}")
    return module
