"""Do kills, broken downloads or full disks damage the results? Names every file that they do. Takes a long time.

    python benchmarks/faults.py kills --paper hierarchical_pooling --kills 100
    python benchmarks/faults.py downloads
    python benchmarks/faults.py disk --paper hierarchical_pooling       (as root, or under `unshare -rm`: it mounts)

All work in copies of the checkout. `kills` and `disk` first let the workflow run twice undisturbed; files that differ
between these two runs (they hold times of day or durations) are named and not compared. Then

* `kills` starts `make results` and kills a random process that works in the folder (make, Snakemake, a job, what
  serves the jobs, ...) by SIGKILL at random moments, and starts it again when it has ended. After ten kills it lets it
  finish, compares every file with the undisturbed ones byte for byte, removes all results, and starts again.
* `downloads` serves small archives on this machine, with one fault at a time, obtains and unpacks them by the command
  that the workflow uses, repeats the command where it gives up, and compares all that was put in place.
* `disk` runs the workflow on a file system that is full when features are extracted, a network is trained, scored,
  examined for a figure, and shown in figure and table; each time it must fail, name the file, leave nothing half
  written, and go on once there is space. What Snakemake keeps for itself, and the logs, lie on another one.

`--output` writes the counts as JSON. The exit status is 1 if a file was lost or differs.
"""

import argparse
import collections
import contextlib
import hashlib
import importlib
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
LEFT_OUT = ("results/recorded/", "notebooks/", "tests/")
MADE = ("results/miniature", "data/miniature")
MADE_PATH = re.compile(r"\b(data|results)/miniature/")
#: Logs and costs tell when something ran.
NO_RESULTS = {"logs", "costs.tsv"}
#: Seconds after which a run that does not end counts as hanging.
PATIENCE = 3600
#: So many fruitless starts in a row, without a kill, mean that going on does not help.
STUCK = 3
#: So often a download is asked for at most.
MOST_CALLS = 5
#: What is made in this order; all but the first while the disk is full.
STAGES = {
    "survey": "data/miniature/surveys/*/survey.json",
    "features": "data/miniature/*/features/*/*.npy",
    "training": "results/miniature/*/runs/*/*/fold*/seed*/scores.npz",
    "scoring": "results/miniature/*/runs/*/*/fold*/seed*/metrics.json",
    "examining": "results/miniature/*/figures/*.npz",
    "figures": "results/miniature/*/figures/*.png",
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
        self.environment = os.environ | {"PYTHONPATH": str(folder / "src"), "no_proxy": "127.0.0.1"}

    def make(self, goal: str, *words: str) -> subprocess.Popen:
        """`make GOAL` with the environment that runs this script."""
        return self.start(["make", "-o", f"{sys.prefix}/.ready", goal, f"VENV={sys.prefix}", *self.words, *words])

    def start(self, command: Sequence[str]) -> subprocess.Popen:
        """A command in the folder, in a session of its own."""
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
        return {f"{name}/{path}": mark for name in MADE for path, mark in marks_of(self.folder / name).items()}

    def processes(self) -> list[psutil.Process]:
        """What works in this folder, whoever has started it."""
        return [process for process in psutil.process_iter() if _works_in(process, self.folder)]

    def snakemake_works(self) -> bool:
        """Whether one works here: if its make was killed it goes on alone, and is no less entitled to the folder."""
        return any(_name_of(command) == "snakemake" for command in map(_command, self.processes()))

    def wait_for_snakemake(self) -> None:
        """Until none works here."""
        end = time.monotonic() + PATIENCE
        while self.snakemake_works() and time.monotonic() < end:
            time.sleep(0.1)


def marks_of(folder: Path) -> dict[str, str]:
    """Checksum of every file below a folder, by its path there; logs and the like are left out."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    kept = [path for path in paths if not NO_RESULTS.intersection(path.relative_to(folder).parts)]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def _works_in(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        return Path(process.cwd()) == folder and process.status() != psutil.STATUS_ZOMBIE
    return False


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


class Comparison:
    """Files of two undisturbed runs, and what of them can be compared."""

    def __init__(self, one: dict[str, str], other: dict[str, str]) -> None:
        self.expected = one
        self.unequal = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
        kinds = collections.Counter(Path(name).name for name in self.unequal)
        told = ", ".join(f"{name} ({count})" for name, count in kinds.most_common())
        print(f"undisturbed: {len(one)} files; {len(self.unequal)} differ by themselves: {told}", flush=True)
        self.count = len(one.keys() - set(self.unequal))

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


def kills(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Kill, go on, compare; returns the counts."""
    words, chance = _words(arguments), random.Random(arguments.seed)
    comparison, seconds = undisturbed(folder / "undisturbed", words)
    print(f"an undisturbed run takes {seconds:.0f} s", flush=True)
    checkout, start = Checkout(folder / "disturbed", words), time.monotonic()
    killed: collections.Counter[str] = collections.Counter()
    starts, rounds, problems = 0, 0, []
    while killed.total() < arguments.kills:
        checkout.remove_results()
        goal, stuck, ended = min(killed.total() + arguments.kills_per_round, arguments.kills), 0, False
        while not ended and stuck < STUCK:
            starts += 1
            before = killed.total()
            status, output = _disturbed(checkout, arguments.interval, chance, killed, goal)
            ended = status == 0
            stuck = 0 if ended or killed.total() > before else stuck + 1
            if stuck:
                print(f"failed although nothing was killed:\n{output}", flush=True)
        rounds += 1
        found = comparison.problems(checkout.marks()) if ended else ["does not come to its end"]
        problems += found
        print(f"after {killed.total()} kills, {starts} starts: {len(found)} files lost or different", flush=True)
        print(*(f"  {problem}" for problem in found), sep="\n", end="\n" if found else "")
    return {
        "kills": killed.total(),
        "killed": dict(killed.most_common()),
        "starts": starts,
        "runs that came to their end": rounds,
        "files compared in each": comparison.count,
        "lost or different": len(problems),
        "seconds undisturbed": round(seconds),
        "seconds in all": round(time.monotonic() - start),
    }


def _disturbed(
    checkout: Checkout, interval: float, chance: random.Random, killed: collections.Counter[str], goal: int
) -> tuple[int, str]:
    """`make results`, of which random processes are killed, every so many seconds on average, until `goal` are.

    Returns its exit status, which is not 0 after a kill, and what it printed. If make itself is killed, Snakemake goes
    on alone.
    """
    if any((checkout.folder / ".snakemake" / "locks").glob("*")):
        checkout.make("unlock").communicate(timeout=PATIENCE)
    process, before = checkout.make("results"), killed.total()
    with tempfile.TemporaryFile("w+") as text:
        reader = threading.Thread(target=shutil.copyfileobj, args=(process.stdout, text))
        reader.start()
        while killed.total() < goal and (process.poll() is None or checkout.snakemake_works()):
            moment = time.monotonic() + chance.expovariate(1 / interval)
            while time.monotonic() < moment and (process.poll() is None or checkout.snakemake_works()):
                time.sleep(0.05)
            if victim := _kill_one(checkout.processes(), chance):
                killed[victim] += 1
        checkout.wait_for_snakemake()
        process.wait(timeout=PATIENCE)
        reader.join()
        text.seek(0)
        return process.returncode if killed.total() == before else 1, text.read()


def _kill_one(processes: Sequence[psutil.Process], chance: random.Random) -> str:
    """Kill one of some processes by SIGKILL; returns what it was, "" if there was none any more."""
    with contextlib.suppress(psutil.Error):
        process = chance.choice(processes) if processes else None
        if process is not None:
            name = _name_of(process.cmdline())
            process.kill()
            return name
    return ""


def _name_of(command: Sequence[str]) -> str:
    verb = next((one for word, one in itertools.pairwise(command) if Path(word).name == "sedrepro"), None)
    if verb is not None:
        return f"sedrepro {verb}"
    known = ("snakemake", "progress.py", "make", "bash", "sh")
    named = next((name for name in known for word in command[:3] if Path(word).name == name), None)
    return named or " ".join(Path(word).name for word in command[:3])


# Downloads


def downloads(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Obtain small archives from a server with one fault after the other; returns the counts."""
    sys.path[:0] = [str(ROOT / "tests" / place) for place in ("obtaining", "workflow")]
    mirror = importlib.import_module("small_mirror").make_small_mirror(folder / "packed")
    served = importlib.import_module("web_server")
    checkout = Checkout(folder / "checkout", [])
    given_up, problems, rows = 0, 0, {}
    expected = _obtained(checkout, mirror, served, folder / "good", lambda content: [], "")[1]
    for name, (turns, how) in _download_faults(served.Turn).items():
        again, found = _obtained(checkout, mirror, served, folder / name.replace(" ", "_"), turns, how)
        unlike = sum(expected.get(path) != found.get(path) for path in expected.keys() | found.keys())
        rows[name] = again
        given_up, problems = given_up + (again > 0), problems + unlike
        print(
            f"{name}: {again} times given up or killed, {unlike} of {len(expected)} files lost or different", flush=True
        )
    counts = {"faults": len(rows), "had to be called again": given_up, "calls again by fault": rows}
    return counts | {"files compared in each": len(expected), "lost or different": problems}


def _download_faults(turn: Any) -> dict[str, tuple[Callable[[bytes], list[Any]], str]]:
    """By name: what the server does with the requests for a file, and what is done to the command."""
    return {
        "breaks three times": (lambda content: [turn(cut=len(content) // n) for n in (4, 3, 5)], ""),
        "resets the connection": (lambda content: [turn(cut=len(content) // 2, reset=True)], ""),
        "falls silent": (lambda content: [turn(cut=len(content) // 2, stall=True)], ""),
        "is too busy": (lambda content: [turn(status=503), turn(status=429, headers={"Retry-After": "1"})], ""),
        "delivers a wrong byte": (lambda content: [turn(flip=len(content) // 3)], ""),
        "knows no ranges": (lambda content: [turn(cut=len(content) // 2), turn(ranges=False)], ""),
        "sends another part": (lambda content: [turn(cut=len(content) // 2), turn(shift=7)], ""),
        "sends a web page": (lambda content: [turn(page=b"<!DOCTYPE html><title>Quota</title>" * 99)] * 2, ""),
        "does not say that it broke": (lambda content: [turn(cut=len(content) // 2, framing="close")], ""),
        "the downloader is killed": (lambda content: [turn(chunk=len(content) // 20, pause=0.2)], "kill"),
    }


def _obtained(
    checkout: Checkout, mirror: Any, served: Any, root: Path, turns: Callable[[bytes], list[Any]], how: str
) -> tuple[int, dict[str, str]]:
    """Obtain every file of a data set, its archives with faults; how often again, and what lies there then."""
    root.mkdir()
    again = 0
    with served.WebServer() as server:
        for name, content in mirror.contents.items():
            data_set, _, file = name.partition("/")
            if data_set != "dcase2017_task4":
                continue
            server.serve(f"/{name}", content, turns(content) if file.endswith(".zip") else [])
            settings = {"data_root": root, "mirror": server.url, "manifest": mirror.manifest, "keep_archives": "false"}
            settings["checksums"] = root / "checksums.tsv"
            words = [f"--set={key}={value}" for key, value in settings.items()]
            command = ["obtain", "--scale", "full", *words, "--data-set", data_set, "--file", file]
            again += _calls(checkout, command, server if how == "kill" else None, f"/{name}") - 1
    # Receipts say when and from where: that they are there is enough.
    return again, {name: "" if name.endswith(".json") else mark for name, mark in marks_of(root).items()}


def _calls(checkout: Checkout, command: Sequence[str], killed_on: Any, path: str) -> int:
    """Call the command until it succeeds, killed once while a server sends it a file; returns how often."""
    for call in range(1, MOST_CALLS + 1):
        process = checkout.start([sys.executable, "-m", "sedrepro", *command])
        if killed_on is not None and call == 1:
            while not killed_on.asked(path) and process.poll() is None:
                time.sleep(0.01)
            time.sleep(1)
            process.kill()
        output, _ = process.communicate(timeout=PATIENCE)
        if process.returncode == 0:
            return call
    sys.exit(f"{path} does not arrive:\n{output}")


# A full disk


def disk(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Let the disk be full at each stage, then go on; returns the counts."""
    words = _words(arguments)
    comparison, _ = undisturbed(folder / "undisturbed", words)
    failed, named, half = [], [], []
    with _small_disk(folder / "disk", arguments.megabytes) as small:
        checkout = Checkout(small / "checkout", words)
        _elsewhere(checkout, folder / "elsewhere")
        for stage, pattern in STAGES.items():
            made = next((name for name in sorted(comparison.expected) if Path(name).match(pattern)), None)
            if made is None:
                print(f"{stage}: this target makes none")
                continue
            made = str(Path(made).parent) if stage == "features" else made  # the folder is what the rule makes
            if stage != "survey":
                status, output, left = _when_full(checkout, made)
                said = [line for line in output.splitlines() if "No space left" in line and MADE_PATH.search(line)]
                failed += [stage] * (status != 0)
                named += [stage] * bool(said)
                half += [f"{stage}: {name}" for name in left]
                print(f"{stage}: status {status}: {said[0] if said else output[-300:]}", flush=True)
            checkout.finished(f"TARGET={made}")
        checkout.finished()
        problems = comparison.problems(checkout.marks())
    print(*(f"  {problem}" for problem in [*half, *problems]), sep="\n", end="\n" if half or problems else "")
    return {
        "stages": [stage for stage in STAGES if stage != "survey"],
        "failed, as they must": failed,
        "named the file": named,
        "files left half written": len(half),
        "files compared in the end": comparison.count,
        "lost or different": len(problems) + len(half),
    }


def _when_full(checkout: Checkout, name: str) -> tuple[int, str, list[str]]:
    """Run to one file of a stage on a disk that is full; exit status, output, and files that are there and new."""
    before = checkout.marks()
    filler = checkout.folder.parent / "filler"
    free = shutil.disk_usage(filler.parent).free
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        for _ in range(0, free + 2**20, 2**16):
            file.write(bytes(2**16))
    status, output = checkout.run(f"TARGET={name}")
    filler.unlink()
    after = checkout.marks()
    return status, output, [path for path, mark in after.items() if before.get(path) != mark]


def _elsewhere(checkout: Checkout, folder: Path) -> None:
    """Keep Snakemake's own files and the logs on another disk: the stage, not Snakemake, shall meet the full one."""
    for name in (".snakemake", "data/miniature/logs"):
        (folder / name).mkdir(parents=True)
        (checkout.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout.folder / name).symlink_to(folder / name)


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


FAULTS = {"kills": kills, "downloads": downloads, "disk": disk}


def main() -> int:
    """Read the command line and disturb."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fault", choices=FAULTS)
    parser.add_argument("--paper", default="hierarchical_pooling", help="paper, or papers with commas")
    parser.add_argument("--target", default="", help="only this file of the results")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--kills-per-round", type=int, default=10, help="kills before a run may finish (default: 10)")
    parser.add_argument("--interval", type=float, default=4, help="mean seconds between kills (default: 4)")
    parser.add_argument("--seed", type=int, default=0, help="seed for choosing moments and processes (default: 0)")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--megabytes", type=int, default=600, help="size of the small disk (default: 600)")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--output", type=Path, help="JSON file to which the counts are added")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        counts = FAULTS[arguments.fault](arguments, Path(folder).resolve())
    print(json.dumps({arguments.fault: counts}, indent=2))
    if arguments.output:
        known = json.loads(arguments.output.read_text()) if arguments.output.is_file() else {}
        arguments.output.write_text(json.dumps(known | {arguments.fault: counts}, indent=2) + "\n")
    return int(counts["lost or different"] > 0)


if __name__ == "__main__":
    sys.exit(main())
