"""HTML from the templates in `templates/`, in which all text is escaped unless it is marked as HTML."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sedrepro.base.words import said_of
from sedrepro.reporting.colours import DARK, LIGHT
from sedrepro.reporting.tables.marks import MARKS, NO_MARK, css_class

#: Tables of more columns are set in small, so that a screen shows them whole.
MANY_COLUMNS = 10


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sedrepro.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "light": LIGHT,
        "dark": DARK,
        "MARKS": MARKS,
        "NO_MARK": NO_MARK,
        "MANY_COLUMNS": MANY_COLUMNS,
    }
    environment.filters |= {"css_class": css_class, "said_of": said_of}
    return environment


def render(template: str, **values: Any) -> str:
    """A page from `<template>.html.j2`; a value that the template names and lacks is an error."""
    return _environment().get_template(f"{template}.html.j2").render(values)


def render_part(template: str, **values: Any) -> Markup:
    """A part of a page, which another template takes as it is."""
    return Markup(render(template, **values))
