"""What kills and full disks do to the results: nothing, or this says what. Not part of the tests: it takes its time.

    python benchmarks/faults.py kills --paper hierarchical_pooling --kills 100
    python benchmarks/faults.py disk --paper hierarchical_pooling       (as root: it mounts a small file system)

Both work in copies of the checkout. First the workflow runs twice undisturbed; files that differ between these two
(they hold times of day or durations) are named and cannot be compared. Then

* `kills` starts `make results` again and again and kills a random process of it (make, Snakemake, a job, ...) by
  SIGKILL at a random moment, until there were enough kills; whenever a run comes to its end, every file is compared
  with the undisturbed ones byte for byte, and all results are removed for the next round.
* `disk` runs the workflow on a file system that is full when features are extracted, a network is trained, scored and
  shown in a table; each time it must fail, and go on once there is space.

The exit status is 1 if a file was lost or differs.
"""

import argparse
import collections
import contextlib
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
LEFT_OUT = ("results/recorded/", "notebooks/", "tests/")
MADE = ("results/miniature", "data/miniature")
#: Logs and benchmarks tell when something ran.
NO_RESULTS = {"logs", "benchmarks"}
#: Seconds after which a run that does not end counts as hanging.
PATIENCE = 3600
#: What is made in this order; all but the first while the disk is full.
STAGES = {
    "survey": "data/miniature/surveys/*/survey.json",
    "features": "data/miniature/*/features/*/*.npy",
    "training": "results/miniature/*/runs/*/*/fold*/seed*/scores.npz",
    "scoring": "results/miniature/*/runs/*/*/fold*/seed*/metrics.json",
    "tables": "results/miniature/*/tables/*.csv",
}


class Checkout:
    """A copy of the checkout's files in a folder of its own."""

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        self.folder, self.words = folder, words
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if not name.startswith(LEFT_OUT) and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self.environment = os.environ | {"PYTHONPATH": str(folder / "src")}

    def make(self, goal: str, *words: str) -> subprocess.Popen:
        """`make GOAL` with the environment that runs this script, in a session of its own."""
        command = ["make", "-o", f"{sys.prefix}/.ready", goal, f"VENV={sys.prefix}", *self.words, *words]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
        )

    def run(self, *words: str) -> tuple[int, str]:
        """`make results` to its end: exit status and output."""
        process = self.make("results", *words)
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output

    def finished(self, *words: str) -> None:
        """`make results`, which must succeed."""
        status, output = self.run(*words)
        if status:
            sys.exit(f"{self.folder}: an undisturbed run fails:\n{output}")

    def remove_results(self) -> None:
        """Start anew."""
        for name in (*MADE, ".snakemake"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def marks(self) -> dict[str, str]:
        """Checksum of every file that was made, by its path."""
        paths = [path for name in MADE for path in sorted((self.folder / name).rglob("*"))]
        kept = [path for path in paths if path.is_file() and not NO_RESULTS.intersection(path.parts)]
        return {str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}

    def wait_for_snakemake(self) -> None:
        """Until none works here: one whose make was killed goes on alone, and is no less entitled to the folder."""
        end = time.monotonic() + PATIENCE
        while any(_works_in(process, self.folder) for process in psutil.process_iter()) and time.monotonic() < end:
            time.sleep(0.2)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        command = process.cmdline()
        return any(word.endswith("/snakemake") for word in command[:2]) and Path(process.cwd()) == folder
    return False


class Comparison:
    """Files of two undisturbed runs, and what of them can be compared."""

    def __init__(self, one: dict[str, str], other: dict[str, str]) -> None:
        self.expected = one
        self.unequal = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
        print(f"undisturbed: {len(one)} files; {len(self.unequal)} differ by themselves: {', '.join(self.unequal)}")

    def problems(self, found: dict[str, str]) -> list[str]:
        """Files that are lost, differ, or should not be there."""
        names = sorted((self.expected.keys() | found.keys()) - set(self.unequal))
        kinds = {name: _problem(self.expected.get(name), found.get(name)) for name in names}
        return [f"{kind}: {name}" for name, kind in kinds.items() if kind]


def _problem(expected: str | None, found: str | None) -> str:
    if expected == found:
        return ""
    return "lost" if found is None else "left over" if expected is None else "differs"


def undisturbed(folder: Path, words: Sequence[str]) -> tuple[Comparison, float]:
    """What two undisturbed runs leave, and the seconds that one takes."""
    checkout, marks, seconds = Checkout(folder, words), [], 0.0
    for _ in range(2):
        checkout.remove_results()
        start = time.monotonic()
        checkout.finished()
        seconds = time.monotonic() - start
        marks.append(checkout.marks())
    return Comparison(*marks), seconds


# Kills


def kills(arguments: argparse.Namespace, folder: Path) -> int:
    """Kill, go on, compare; returns the number of problems."""
    words, chance = _words(arguments), random.Random(arguments.seed)
    comparison, seconds = undisturbed(folder / "undisturbed", words)
    print(f"an undisturbed run takes {seconds:.0f} s")
    checkout = Checkout(folder / "disturbed", words)
    killed: collections.Counter[str] = collections.Counter()
    rounds, problems = 0, []
    while killed.total() < arguments.kills or rounds == 0:
        victim = _disturbed(checkout, chance.uniform(0, seconds / 2), chance, killed.total() < arguments.kills)
        killed.update([victim] if victim else [])
        if victim != "":
            continue
        rounds += 1
        found = comparison.problems(checkout.marks())
        problems += found
        print(
            f"after {killed.total()} kills: run {rounds} came to its end, {len(found)} files lost or different",
            flush=True,
        )
        print(*(f"  {problem}" for problem in found), sep="\n", end="\n" if found else "")
        if killed.total() < arguments.kills:
            checkout.remove_results()
    print(f"{killed.total()} kills ({', '.join(f'{name}: {count}' for name, count in killed.most_common())})")
    print(f"{rounds} runs came to their end, {len(comparison.expected) - len(comparison.unequal)} files each compared")
    print(f"{len(problems)} lost or different")
    return len(problems)


def _disturbed(checkout: Checkout, delay: float, chance: random.Random, may_kill: bool) -> str | None:
    """Start or go on, kill a random process after a delay; its name, or "" if the run came to its end before.

    None: nothing was killed, and the run has failed all the same: what an earlier kill has left stood in its way.
    """
    checkout.wait_for_snakemake()
    if any((checkout.folder / ".snakemake" / "locks").glob("*")):
        checkout.make("unlock").communicate(timeout=PATIENCE)
    process = checkout.make("results")
    victim = ""
    if may_kill:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=delay)
        victim = _kill_one(process.pid, chance) if process.poll() is None else ""
    output, _ = process.communicate(timeout=PATIENCE)
    if process.returncode == 0 and not victim:
        return ""
    if not victim:
        print(f"an undisturbed continuation fails:\n{output}", flush=True)
        return None
    return victim


def _kill_one(parent: int, chance: random.Random) -> str:
    """Kill a process of a tree by SIGKILL; returns what it was, "" if there was none any more."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(parent)
        process = chance.choice([root, *root.children(recursive=True)])
        command = process.cmdline()
        process.kill()
        return _name_of(command)
    return ""


def _name_of(command: Sequence[str]) -> str:
    if "sedrepro" in command:
        return f"sedrepro {command[command.index('sedrepro') + 1]}"
    known = ("snakemake", "progress.py", "make", "bash", "sh")
    return next((name for name in known for word in command[:3] if Path(word).name == name), "other")


# A full disk


def disk(arguments: argparse.Namespace, folder: Path) -> int:
    """Let the disk be full at each stage, then go on; returns the number of problems."""
    words = _words(arguments)
    comparison, _ = undisturbed(folder / "undisturbed", words)
    with _small_disk(folder / "disk", arguments.megabytes) as small:
        checkout = Checkout(small / "checkout", words)
        failures = 0
        for stage, pattern in STAGES.items():
            made = next((name for name in sorted(comparison.expected) if Path(name).match(pattern)), None)
            if made is None:
                print(f"{stage}: this target makes none")
                continue
            made = str(Path(made).parent) if stage == "features" else made  # the folder is what the rule makes
            if stage != "survey":
                failures += _fails_when_full(checkout, stage, made)
            checkout.finished(f"TARGET={made}")
        checkout.finished()
        problems = comparison.problems(checkout.marks())
    print(f"{failures} failures for want of space, then {len(problems)} files lost or different")
    print(*(f"  {problem}" for problem in problems), sep="\n", end="\n" if problems else "")
    return len(problems)


def _fails_when_full(checkout: Checkout, stage: str, name: str) -> int:
    """Run to one file of a stage on a disk that is full; 1 if it failed, as it must."""
    filler = checkout.folder.parent / "filler"
    free = shutil.disk_usage(filler.parent).free
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        for _ in range(0, free + 2**20, 2**16):
            file.write(bytes(2**16))
    status, output = checkout.run(f"TARGET={name}")
    filler.unlink()
    said = [line for line in output.splitlines() if "space" in line.lower()]
    print(f"{stage}: status {status}: {said[0] if said else output[-300:]}", flush=True)
    return int(status != 0)


@contextlib.contextmanager
def _small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _words(arguments: argparse.Namespace) -> list[str]:
    target = [f"TARGET={arguments.target}"] if arguments.target else []
    return [f"PAPER={arguments.paper}", f"CORES={arguments.cores}", "CONFIG=device=cpu", *target]


def main() -> int:
    """Read the command line and disturb."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fault", choices=("kills", "disk"))
    parser.add_argument("--paper", default="hierarchical_pooling", help="paper, or papers with commas")
    parser.add_argument("--target", default="", help="only this file of the results")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the moments and processes")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--megabytes", type=int, default=600, help="size of the small disk")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        return min((kills if arguments.fault == "kills" else disk)(arguments, Path(folder).resolve()), 1)


if __name__ == "__main__":
    sys.exit(main())
