"""Typed, validated settings and files: unknown keys and impossible values become one-line errors."""

import functools
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, validate_call

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import read_json


class Typed(BaseModel):
    """Base of every settings model: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)
Given = ParamSpec("Given")
Made = TypeVar("Made")

#: Arguments of networks: a number of units or channels, one per layer, and a share of units that are dropped.
Width = Annotated[int, Field(ge=1)]
Widths = Annotated[Sequence[Width], Field(min_length=1, description="a list of whole numbers of at least 1")]
Dropout = Annotated[float, Field(ge=0, lt=1)]


def load(model: type[Model], values: Mapping[str, Any], where: str | Callable[[str], str]) -> Model:
    """Validate `values` as `model`; `where` (a file or a section; or what tells that of a dotted key) starts an error.

    Raises:
        SettingsError: the first wrong key or value, naming the nearest valid key.
    """
    if not isinstance(values, Mapping):
        raise SettingsError(f"{_place(where, '')}: must hold keys and values")
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        key = ".".join(_follow(model, error.errors()[0]["loc"])[0])
        raise SettingsError(f"{_place(where, key)}: {_first_problem(model, error)}") from None


def _place(where: str | Callable[[str], str], key: str) -> str:
    return where if isinstance(where, str) else where(key)


def checked(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """A function whose arguments must be what their annotations say; a whole number may be a float.

    Calls of it raise:
        SettingsError: the first argument that is wrong, unknown (names the nearest) or missing.
    """
    validated = validate_call(config=ConfigDict(strict=True, arbitrary_types_allowed=True))(function)

    @functools.wraps(function)
    def call(*values: Given.args, **named: Given.kwargs) -> Made:
        try:
            return validated(*values, **named)
        except ValidationError as error:
            raise SettingsError(_first_wrong_argument(function, error)) from None

    return call


def _first_wrong_argument(function: Callable[..., Any], error: ValidationError) -> str:
    problems = error.errors()
    # A name that is mistyped is missing, too.
    first = next((each for each in problems if each["type"] == "unexpected_keyword_argument"), problems[0])
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "unexpected_keyword_argument":
        known = [name for name in inspect.signature(function).parameters if name != "self"]
        return f"unknown argument '{key}'; {did_you_mean(key, known)}"
    if first["type"].startswith("missing"):
        return f"argument '{key}' is missing"
    allowed = first["msg"].replace("Input should", "must").replace("an instance of Sequence", "a list")
    allowed = allowed.replace("Value should", "must").removesuffix(" after validation, not 0")
    if first["type"] == "sequence_str" or (first["type"] == "is_instance_of" and first["ctx"]["class"] == "Sequence"):
        allowed = f"must be {_described(function, first['loc']) or 'a list'}"
    return f"{key} = {first['input']!r}: {allowed}"


def _described(function: Callable[..., Any], location: Sequence[Any]) -> str | None:
    """What the annotation of an argument says in words that it must be, if it does."""
    kind = get_type_hints(function, include_extras=True).get(location[0]) if len(location) == 1 else None
    facts = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((fact.description for fact in facts if getattr(fact, "description", None)), None)


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
