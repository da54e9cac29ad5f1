"""Typed, validated settings: unknown keys and impossible values become one-line errors."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

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
        raise SettingsError(f"{where}: {_first_problem(model, values, error)}") from None


def _first_problem(model: type[BaseModel], values: Mapping[str, Any], error: ValidationError) -> str:
    problem = error.errors()[0]
    path = ".".join(_keys(problem["loc"], values))
    if problem["type"] == "extra_forbidden":
        known = _fields_at(model, problem["loc"][:-1])
        hint = f"; {did_you_mean(str(problem['loc'][-1]), known)}" if known else ""
        return f"unknown key '{path}'{hint}"
    if problem["type"] == "missing":
        return f"key '{path}' is missing"
    if problem["type"] in ("union_tag_not_found", "union_tag_invalid"):
        return _tag_problem(path, problem["ctx"])
    message = problem["msg"].removeprefix("Value error, ")
    if not path:
        return message
    # A rule across keys has the whole section as its input; its message names the key.
    value = "" if isinstance(problem["input"], Mapping) else f" = {problem['input']!r}"
    return f"'{path}'{value}: {message}"


def _tag_problem(path: str, context: Mapping[str, Any]) -> str:
    """A section whose kind is missing or unknown."""
    key = f"{path}.{context['discriminator'].strip(chr(39))}"
    if "tag" not in context:
        return f"key '{key}' is missing"
    known = [tag.strip("' ") for tag in context["expected_tags"].split(",")]
    return f"'{key}' = '{context['tag']}' is unknown; {did_you_mean(context['tag'], known)}"


def _keys(location: tuple[Any, ...], values: Any) -> list[str]:
    """The keys on the way to a problem; pydantic's location names the kind of a section too, as if it were a key."""
    keys, node = [], values
    for number, part in enumerate(location):
        is_last, is_mapping = number == len(location) - 1, isinstance(node, Mapping)
        if is_mapping and part not in node and not is_last:
            continue
        keys.append(str(part))
        node = node.get(part) if is_mapping else None
    return keys


def _fields_at(model: Any, path: tuple[Any, ...]) -> list[str]:
    """Names of the keys allowed at `path` inside `model` (empty where that cannot be told)."""
    candidates = [model]
    for part in path:
        of_kind = [m for m in candidates if str(part) in _kinds(m)] if len(candidates) > 1 else []
        fields = [m.model_fields[part] for m in candidates if part in m.model_fields]
        # A part that is no field is the key of a mapping, whose values are the candidates already.
        candidates = of_kind or ([m for field in fields for m in _models(field.annotation)] if fields else candidates)
    return list(candidates[0].model_fields) if len(candidates) == 1 else []


def _kinds(model: type[BaseModel]) -> tuple[str, ...]:
    """The values of a model's `kind`, if it has one."""
    return get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a type holds at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]
