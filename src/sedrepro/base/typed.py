"""Typed, validated settings and files: unknown keys and impossible values become one-line errors."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import read_json


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


def read_typed(model: type[Model], path: Path | str, remedy: str) -> Model:
    """What a JSON file of the suite's own holds; `remedy` says what makes it anew.

    Raises:
        DataError: the file is missing, is no JSON, or a key is missing, unknown or wrong (names file and key).
    """
    text = json.dumps(read_json(path))  # strict validation takes a whole number for a float only from JSON text
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(_follow(model, first["loc"])[0])
        problem = "is missing" if first["type"] == "missing" else first["msg"][0].lower() + first["msg"][1:]
        place = f"key '{key}' " if first["type"] == "missing" else f"key '{key}': " if key else ""
        raise DataError(f"{path}: {place}{problem}; {remedy}") from error


def _first_problem(model: type[BaseModel], error: ValidationError) -> str:
    problem = error.errors()[0]
    path = ".".join(_follow(model, problem["loc"])[0])
    if problem["type"] == "extra_forbidden":
        *section, key = problem["loc"]
        known = _keys_of(_follow(model, section)[1])
        hint = f"; {did_you_mean(str(key), known)}" if known else ""
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


def _follow(kind: Any, location: Sequence[Any]) -> tuple[list[str], Any]:
    """The keys on the way to a problem, and the type that stands there (None where that cannot be told).

    Pydantic's location also names the chosen member of a union, as if it were a key.
    """
    keys = []
    for part in location:
        members = _members(kind)
        if len(members) > 1:
            kind = next((member for member in members if part in _tags(member)), None)
        else:
            keys.append(str(part))
            kind = _inner(members[0], part)
    return keys, kind


def _members(annotation: Any) -> list[Any]:
    """The types that a union is made of, apart from None; of another type itself."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [member for each in get_args(annotation) if each is not NoneType for member in _members(each)]
    return [annotation]


def _tags(member: Any) -> tuple[str, ...]:
    """What a location calls a member of a union: a section by its `kind`, anything else by its name."""
    fields = getattr(member, "model_fields", {})
    return get_args(fields["kind"].annotation) if "kind" in fields else (getattr(member, "__name__", ""),)


def _inner(kind: Any, part: Any) -> Any:
    """The type of a field of a model, or of what a list or a mapping holds."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_fields[part].annotation if part in kind.model_fields else None
    inner = [each for each in get_args(kind) if each is not Ellipsis]
    return inner[-1] if inner else None


def _keys_of(kind: Any) -> list[str]:
    """The keys of a section (none where that cannot be told)."""
    members = _members(kind)
    return list(getattr(members[0], "model_fields", {})) if len(members) == 1 else []
