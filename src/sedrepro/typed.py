"""Typed, validated settings: unknown keys and impossible values become one-line errors."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sedrepro.errors import SettingsError, did_you_mean


class Typed(BaseModel):
    """Base of every settings model: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def load(model: type[Model], values: Mapping[str, Any], where: str) -> Model:
    """Validate `values` as `model`; `where` (a file or a section) starts every error message.

    Raises:
        SettingsError: the first wrong key or value, naming the nearest valid key.
    """
    if not isinstance(values, Mapping):
        raise SettingsError(f"{where}: must hold keys and values")
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise SettingsError(f"{where}: {_first_problem(model, error)}") from None


def _first_problem(model: type[BaseModel], error: ValidationError) -> str:
    problem = error.errors()[0]
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = _fields_at(model, problem["loc"][:-1])
        hint = f"; {did_you_mean(str(problem['loc'][-1]), known)}" if known else ""
        return f"unknown key '{path}'{hint}"
    if problem["type"] == "missing":
        return f"key '{path}' is missing"
    message = problem["msg"].removeprefix("Value error, ")
    if not path:
        return message
    # A rule across keys has the whole section as its input; its message names the key.
    value = "" if isinstance(problem["input"], Mapping) else f" = {problem['input']!r}"
    return f"'{path}'{value}: {message}"


def _fields_at(model: Any, path: tuple[Any, ...]) -> list[str]:
    """Names of the keys allowed at `path` inside `model` (empty where that cannot be told)."""
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        inner = field.annotation if field else None
        arguments = [a for a in getattr(inner, "__args__", ()) if isinstance(a, type) and issubclass(a, BaseModel)]
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
        elif arguments:
            model = arguments[0]
    return list(getattr(model, "model_fields", {}))
