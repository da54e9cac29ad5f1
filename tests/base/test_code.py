import os

import pytest

from sedrepro.base import code
from sedrepro.base.code import closure, code_digest, imported


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes modules of a package of its own and gives the name of its package."""
    folder = tmp_path / "suite"
    folder.mkdir()
    monkeypatch.setattr(code, "PACKAGE", folder)

    def write(**modules: str) -> None:
        for name, text in {"__init__": "", **modules}.items():
            path = folder.joinpath(*name.split("__in__")).with_suffix(".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    return write


def names(modules) -> set[str]:
    return {path.stem for path in closure(modules)} - {"__init__"}


def test_the_closure_follows_imports_of_every_form(package):
    package(
        a="import suite.b\nfrom suite import c\nfrom suite.d import thing\n\ndef f():\n    from suite.e import other\n",
        b="import os\n",
        c="",
        d="from suite.f import *\n",
        e="",
        f="",
        unused="",
    )
    assert names(["suite.a"]) == {"a", "b", "c", "d", "e", "f"}


def test_a_circle_ends_and_packages_count(package):
    package(a="from suite.b import x\n", b="from suite.a import y\n", room__in____init__="", room__in__c="")
    assert names(["suite.a"]) == {"a", "b"}
    assert {str(path.relative_to(code.PACKAGE)) for path in closure(["suite.room.c"])} == {
        "__init__.py",
        "room/__init__.py",
        "room/c.py",
    }


def test_what_only_types_or_describes_options_is_no_dependency(package):
    package(
        a="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from suite.b import B\nelse:\n    import suite.c\n"
        "def add_arguments(parser):\n    from suite.d import add\n",
        b="",
        c="",
        d="",
    )
    assert names(["suite.a"]) == {"a", "c"}
    assert imported(code.PACKAGE / "a.py") == ["suite.c"]


@pytest.mark.parametrize(
    ("edited", "counts"),
    [
        ('"""Other."""\n\ndef f(x):\n    """Told."""\n    return x + 1\n', False),
        ("def f(x):  # a comment\n    return (x + 1)\n", False),
        ("def f(x):\n    return x + 1\n\n\ndef add_arguments(parser):\n    parser.add(1)\n", False),
        ("def f(x):\n    return x + 2\n", True),
        ("def f(y):\n    return y + 1\n", True),
        ("def f(x):\n    return x + 1\n\n\nZ = 1\n", True),
    ],
)
def test_the_digest_is_of_what_the_code_does(package, edited, counts):
    package(a="from suite.b import f\n", b="def f(x):\n    return x + 1\n")
    before = code_digest(["suite.a"])
    (code.PACKAGE / "b.py").write_text(edited)
    assert (code_digest(["suite.a"]) != before) == counts


def test_other_files_count_by_their_bytes(package, tmp_path):
    package(a="")
    table = tmp_path / "table.csv"
    table.write_text("1\n")
    before = code_digest(["suite.a"], [table])
    assert before != code_digest(["suite.a"])
    table.write_text("2\n")
    assert code_digest(["suite.a"], [table]) != before


def test_a_module_that_is_not_there_is_left_out(package):
    package(a="from suite.nothing import f\n")
    assert names(["suite.a"]) == {"a"}


def test_templates_belong_to_the_code_that_renders_them(package):
    package(a="import suite.b\n", b="from jinja2 import Environment\n", c="import os\n")
    template = code.PACKAGE / "templates" / "page.html.j2"
    template.parent.mkdir()
    template.write_text("one")
    before = {name: code_digest([f"suite.{name}"]) for name in "abc"}
    template.write_text("two")
    after = {name: code_digest([f"suite.{name}"]) for name in "abc"}
    assert [name for name in "abc" if before[name] != after[name]] == ["a", "b"]


def test_the_style_sheet_that_a_module_names_counts(package):
    package(a="STYLE = 'own.mplstyle'\n", b="STYLE = None\n")
    before = code_digest(["suite.a"]), code_digest(["suite.b"])
    (code.PACKAGE / "own.mplstyle").write_text("font.size: 9\n")
    after = code_digest(["suite.a"]), code_digest(["suite.b"])
    assert after[0] != before[0] and after[1] == before[1]


def read_again(file) -> list[str]:
    """What another process would say that a file imports."""
    code._read.cache_clear()
    return imported(file)


def test_what_was_read_is_kept_beside_the_bytecode_for_equal_content_only(package, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    package(a="import suite.b\n", b="", c="")
    file = code.PACKAGE / "a.py"
    before, status = code_digest(["suite.a"]), file.stat()
    with monkeypatch.context() as patch:
        patch.setattr(code.ast, "parse", None)  # nothing is parsed again
        assert read_again(file) == ["suite.b"]
        assert code_digest(["suite.a"]) == before
    file.write_text("import suite.c\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert read_again(file) == ["suite.c"]
    assert code_digest(["suite.a"]) != before


@pytest.mark.parametrize("damaged", ["", "[", "3", '["other", [], ""]'])
def test_what_is_kept_may_be_damaged(package, monkeypatch, damaged):
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    package(a="import suite.b\n", b="")
    file = code.PACKAGE / "a.py"
    imported(file)
    (kept,) = (code.PACKAGE / "__pycache__").glob("a.*")
    kept.write_text(damaged)
    assert read_again(file) == ["suite.b"]


def test_nothing_is_kept_where_python_may_not_write_bytecode(package, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    package(a="import suite.b\n", b="")
    assert read_again(code.PACKAGE / "a.py") == ["suite.b"]
    assert not (code.PACKAGE / "__pycache__").exists()
