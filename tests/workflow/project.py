"""A copy of the project in a folder of its own, in which tests run the workflow."""

import compileall
import functools
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Forks from a process that has imported Snakemake and libraries, nothing of the suite: that takes longer than a plan.
#: Torch is imported by a plan with settings of networks.
WITH_SNAKEMAKE = multiprocessing.get_context("forkserver")
PLUGINS = ["snakemake.profiles", "snakemake.report.html_reporter"]
LIBRARIES = ["torch", "pydantic", "pandas", "requests", "soundfile", "soxr", "stream_unzip", "PIL.Image"]
WITH_SNAKEMAKE.set_forkserver_preload(["snakemake.cli", *PLUGINS, *LIBRARIES])
#: Bytecode is copied, which need not be made again; not what other processes are just writing, hidden or with a number.
NOT_COPIED = shutil.ignore_patterns("*.egg-info", "*.pyc.*", ".*.code")


@functools.cache
def prepare_sources() -> None:
    """Compile and read all sources here, once, so that no copy needs to."""
    from sedrepro.base.code import read_all  # the processes below import this module, and the suite from their copy

    compileall.compile_dir(ROOT / "src", quiet=2)
    read_all()


def snakemake(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Status and output of the command `snakemake` with these words."""
    with tempfile.NamedTemporaryFile() as output:
        process = WITH_SNAKEMAKE.Process(target=_command, args=(words, folder, dict(environment), output.name))
        process.start()
        process.join(timeout=240)
        assert process.exitcode is not None, "Snakemake has not ended"
        return process.exitcode, Path(output.name).read_text(encoding="utf-8", errors="replace")


def _command(words: Sequence[str], folder: Path, environment: Mapping[str, str], output: str) -> None:
    """What the command does, in a process of its own."""
    os.setsid()
    file = os.open(output, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    sys.argv = ["snakemake", *words]
    from snakemake.cli import main

    main()


class Project:
    """A copy of the project in a folder of its own, and Snakemake in it."""

    def __init__(self, folder: Path, targets: Sequence[str], config: str) -> None:
        self.folder = folder
        self.targets = targets
        self.config = config
        prepare_sources()
        for name in ("workflow", "config", "src", "envs"):
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=NOT_COPIED)
        shutil.copy(ROOT / "Snakefile", folder)
        bin_folder = Path(sys.executable).parent
        self.environment = os.environ | {
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "src"),
        }

    def start(self, *words: str, config: str | None = None) -> subprocess.Popen:
        return subprocess.Popen(
            ["snakemake", *self._words(words, config)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, config: str | None = None) -> tuple[int, str]:
        return snakemake(self._words(words, config), self.folder, self.environment)

    def _words(self, words: Sequence[str], config: str | None) -> list[str]:
        before = ["--profile", "workflow/profiles/default", *words]
        return [*before, "--config", *config_words(config or self.config), "--", *self.targets]

    def planned(self, config: str | None = None) -> dict[str, int]:
        """Rules that a dry run would run, and how often."""
        status, output = self.run("-n", config=config)
        assert status == 0, output
        if "Nothing to be done" in output:
            return {}
        counts = re.search(r"^job +count\n-.*\n((?:\S+ +\d+\n)+)", output, re.MULTILINE)
        assert counts, output
        found = dict(line.split() for line in counts[1].splitlines())
        return {rule: int(count) for rule, count in found.items() if rule != "total"}

    def outputs(self, config: str | None = None) -> dict[str, tuple[str, bool]]:
        """By path below the project all that its targets need: the rule that makes it, whether that would run."""
        status, output = self.run("--summary", config=config)
        assert status == 0, output
        rows = [line.split("\t") for line in output.splitlines() if line.count("\t") > 4]
        return {row[0]: (row[2], row[-1] != "no update") for row in rows if row[0] != "output_file"}

    def pretend_to_have_run(self) -> None:
        """Put an empty file or folder in the place of each output, and let Snakemake take it for made."""
        for name in self.outputs():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch() if path.suffix else path.mkdir(exist_ok=True)
        status, output = self.run("--touch", "--forceall")
        assert status == 0, output

    @contextmanager
    def edited(self, name: str) -> Iterator[None]:
        """Append a line that does nothing to a source file, and take it back at the end."""
        path = self.folder / "src" / "sedrepro" / name
        content, status = path.read_bytes(), path.stat()
        path.write_bytes(content + b"EDITED = True\n")
        yield
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def files(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(pattern))


def config_words(config: str) -> list[str]:
    """Words for `--config`: `set=...` is one word, though it holds spaces."""
    return [config] if config.startswith("set=") else config.split()
