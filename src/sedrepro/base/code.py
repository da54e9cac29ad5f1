"""What code a result depends on: the import closure of modules, and a digest of what that code does.

Imports are read from the source, those inside functions too. What stands under `if TYPE_CHECKING`, and functions named
`add_arguments`, which only describe a command line, do not count. A module that is found by its name at run time (a
paper's network, a method of training) is given as one more start. The digest is of the syntax trees without docstrings,
so that docstrings, comments and layout do not count, and of other files by their bytes; the templates beside a module
that renders them, and the style sheets beside one that draws with them, are such files. What was read of a source file
is kept beside its bytecode and used while the file has the same content: parsing takes most of the time of a plan.
"""

import ast
import contextlib
import functools
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.util import cache_from_source
from pathlib import Path
from typing import NamedTuple

from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_path

PACKAGE = Path(__file__).parents[1]


def module_file(module: str) -> Path | None:
    """The source file of a module or package of the suite; None where there is none."""
    place = os.path.join(PACKAGE.parent, *module.split("."))
    return next((Path(file) for file in (f"{place}.py", f"{place}/__init__.py") if os.path.isfile(file)), None)


def closure(modules: Iterable[str]) -> list[Path]:
    """Source files of modules, of their packages, and of everything of the suite that they import, sorted."""
    waiting, found = list(modules), {}
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        file = module_file(module)
        found[module] = file
        if file is None:
            continue
        if "." in module:
            waiting.append(module.rpartition(".")[0])
        waiting += imported(file)
    return sorted(file for file in found.values() if file is not None)


def code_digest(modules: Iterable[str], files: Iterable[Path] = ()) -> str:
    """One digest of the closure of modules and of other files that the code reads."""
    digest = hashlib.sha256()
    for path in closure(modules):
        digest.update(f"{path.relative_to(PACKAGE)} {_source(path).meaning}".encode())
        for template in templates_of(path):
            digest.update(template.name.encode() + template.read_bytes())
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def templates_of(file: Path) -> list[Path]:
    """The templates in the folder beside a source file that renders them, and the style sheets that it names."""
    source = _source(file)
    styles = [path for name in source.styles if (path := file.with_name(name)).is_file()]
    folder = file.with_name("templates")
    renders = source.renders and folder.is_dir()
    return sorted([*styles, *(path for path in folder.iterdir() if path.is_file())] if renders else styles)


def imported(file: Path) -> list[str]:
    """Modules of the suite that a source file imports when it runs."""
    return _source(file).imports


def read_all() -> None:
    """Read every source file of the suite; what is forked from this process reads only what changed since."""
    for file in PACKAGE.rglob("*.py"):
        imported(file)


class _Source(NamedTuple):
    """What is read of a source file."""

    imports: list[str]
    #: Digest of what it does.
    meaning: str
    renders: bool
    styles: list[str]


def _source(file: Path) -> _Source:
    return _read(file, file.stat().st_mtime_ns)


@functools.cache
def _read(file: Path, changed: int) -> _Source:
    """What is said of a file in its present state, from beside its bytecode where that is of the same content."""
    content = file.read_bytes()
    key = hashlib.sha256(_reader() + PACKAGE.name.encode() + content).hexdigest()
    kept = Path(cache_from_source(str(file))).with_suffix(".code")
    with contextlib.suppress(OSError, TypeError, ValueError):  # nothing is kept yet, or not for this content
        of, *source = json.loads(kept.read_bytes())
        if of == key:
            return _Source(*source)
    source = _parsed(content)
    if not sys.dont_write_bytecode:
        with contextlib.suppress(DataError), atomic_path(kept) as temporary:  # a checkout may be read-only
            temporary.write_text(json.dumps([key, *source]), encoding="utf-8")
    return source


def _parsed(content: bytes) -> _Source:
    tree, text = ast.parse(content), content.decode("utf-8")
    styles = sorted(set(re.findall(r"[\w-]+\.mplstyle", text)))
    return _Source(list(_imports(tree)), _meaning(tree), "from jinja2 import" in text, styles)


@functools.cache
def _reader() -> bytes:
    """What decides how a source file is read, beside its content; the Python version is in the name of what is kept."""
    return Path(__file__).read_bytes()


def _imports(node: ast.AST) -> Iterator[str]:
    if _describes_options(node):
        return
    if isinstance(node, ast.If) and _is_typing_only(node.test):
        for other in node.orelse:
            yield from _imports(other)
        return
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE.name:
        yield node.module
        yield from (f"{node.module}.{name.name}" for name in node.names)
    if isinstance(node, ast.Import):
        yield from (name.name for name in node.names if name.name.split(".")[0] == PACKAGE.name)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child)


def _describes_options(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "add_arguments"


def _is_typing_only(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _meaning(tree: ast.Module) -> str:
    """Digest of source code without its docstrings, comments and layout; changes the tree."""
    tree.body = [node for node in tree.body if not _describes_options(node)]
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()
