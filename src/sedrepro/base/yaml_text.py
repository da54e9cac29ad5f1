"""YAML as the suite reads it: safe, and without a key that is given twice or a value that holds itself."""

from typing import Any

import yaml

#: libyaml's, eight times as fast, where PyYAML was built with it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: Tag of the key `<<`.
MERGE = "tag:yaml.org,2002:merge"


def parsed(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        yaml.YAMLError: it is no YAML, a mapping has a key twice, or a value holds itself.
    """
    loader = LOADER(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, loader, set(), set())
        return loader.construct_document(node)
    except ValueError as error:  # such as a date that there is not
        raise yaml.YAMLError(str(error)) from error
    except RecursionError as error:
        raise yaml.YAMLError("is nested too deeply") from error
    finally:
        loader.dispose()


def problem(error: yaml.YAMLError) -> str:
    """Line and problem of a YAML error, on one line."""
    mark = getattr(error, "problem_mark", None)
    line = f" in line {mark.line + 1}" if mark else ""
    return f"{line}: {getattr(error, 'problem', None) or str(error).splitlines()[0]}"


def _check(node: yaml.Node, loader: Any, inside: set[yaml.Node], done: set[yaml.Node]) -> None:
    """Refuse what the constructor would take: it keeps the last of equal keys, and builds values that hold themselves.

    Args:
        node: a part of the text.
        loader: makes values of keys.
        inside: the nodes that it stands in.
        done: the nodes that are in order; an alias leads to one again.
    """
    if node in inside:
        raise yaml.MarkedYAMLError(problem="a value holds itself", problem_mark=node.start_mark)
    if node in done or isinstance(node, yaml.ScalarNode):
        return
    inside.add(node)
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, loader)
        parts = [part for pair in node.value for part in pair]
    else:
        parts = node.value
    for part in parts:
        _check(part, loader, inside, done)
    inside.remove(node)
    done.add(node)


def _check_keys(node: yaml.MappingNode, loader: Any) -> None:
    """Refuse a key that is given twice, in other letters too: `yes` and `true`."""
    names = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            name = MERGE if key.tag == MERGE else loader.construct_object(key)
            if name in names:
                raise yaml.MarkedYAMLError(problem=f"'{key.value}' is given twice", problem_mark=key.start_mark)
            names.add(name)
