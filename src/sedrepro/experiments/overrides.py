"""Values that a scale or the configuration changes, by dotted key."""

from typing import Any

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.experiments.configuration import Config, budget_of


def override(values: dict[str, Any], dotted: str, value: Any, where: str) -> None:
    """Replace the value at a dotted key, which must exist.

    A part that itself holds dots (a system's name, say) is matched as the longest key that fits.
    """
    node, rest = values, dotted
    while True:
        key = next((k for k in sorted(node, key=len, reverse=True) if rest == k or rest.startswith(f"{k}.")), None)
        if key is None:
            part = rest.split(".")[0]
            raise SettingsError(f"{where}: unknown key '{dotted}'; {did_you_mean(part, node)}")
        if rest == key:
            node[key] = value
            return
        if not isinstance(node[key], dict):
            raise SettingsError(f"{where}: '{dotted}': '{key}' holds no keys")
        node, rest = node[key], rest[len(key) + 1 :]


def scale_keys(config: Config) -> list[str]:
    """Sections of `scales` that apply, later ones over earlier ones."""
    return [config.scale, f"{config.scale}-{budget_of(config)}"]
