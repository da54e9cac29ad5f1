"""What code a result depends on: the import closure of modules, and a digest of what that code does.

Imports are read from the source, those inside functions too. What stands under `if TYPE_CHECKING`, and functions named
`add_arguments`, which only describe a command line, do not count. A module that is found by its name at run time (a
paper's network, a method of training) is given as one more start. The digest is of the syntax trees without docstrings,
so that docstrings, comments and layout do not count, and of other files by their bytes; the templates beside a module
that renders them, and the style sheets beside one that draws with them, are such files.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def module_file(module: str) -> Path | None:
    """The source file of a module or package of the suite; None where there is none."""
    place = PACKAGE.parent.joinpath(*module.split("."))
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()), None)


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
        digest.update(f"{path.relative_to(PACKAGE)} {_read(path, path.stat().st_mtime_ns)[1]}".encode())
        for template in templates_of(path):
            digest.update(template.name.encode() + template.read_bytes())
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def templates_of(file: Path) -> list[Path]:
    """The templates in the folder beside a source file that renders them, and the style sheets that it names."""
    text, folder = file.read_text(encoding="utf-8"), file.parent / "templates"
    styles = [path for path in file.parent.glob("*.mplstyle") if path.name in text]
    renders = folder.is_dir() and "from jinja2 import" in text
    return sorted([*styles, *(path for path in folder.iterdir() if path.is_file())] if renders else styles)


def imported(file: Path) -> list[str]:
    """Modules of the suite that a source file imports when it runs."""
    return _read(file, file.stat().st_mtime_ns)[0]


def read_all() -> None:
    """Read every source file of the suite; what is forked from this process reads only what changed since."""
    for file in PACKAGE.rglob("*.py"):
        imported(file)


@functools.cache
def _read(file: Path, changed: int) -> tuple[list[str], str]:
    """What a source file imports, and the digest of what it does."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return list(_imports(tree)), _meaning(tree)


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
