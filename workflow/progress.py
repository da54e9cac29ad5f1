"""Snakemake's output as one progress line per job that starts; errors stay whole. The jobs' own logs are files."""

import os
import re
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

STARTED = re.compile(r"^Job \d+: (.*)")
DONE = re.compile(r"^(\d+) of (\d+) steps .* done$")
SHOWN = re.compile(r"[Ee]rror|Exception|^Slurm|^left out: |^Nothing to be done|^ +\(whole log|[Ll]ocked|--unlock")
# What a download says while it runs: speed and remaining time, and why it tries again.
TRANSFER = re.compile(r"\d[\d.]*[kMGT]?B/s\b|trying (again|once more)")
HIDDEN = re.compile(
    r"^(CalledProcessError|RuleException|Error in rule|Command )|\(check log file|^ +File |^ +message: |Look above"
    r"|^--- Logging error ---|^ +logger\.|^Message: '|^(Workflow|InputFunction)\w+ in |^Error:$|^MissingRuleException:$"
)
NO_RULE = re.compile(r"^No rule to produce (\S+)")
OF_SETTINGS = re.compile(r"^ *SettingsError: ")
# Snakemake that cannot write its locks and logs; jobs say so in other words, with the file.
FULL = re.compile(r"^OSError: \[Errno 28\]")
NO_SPACE = (
    "error: no space left for what Snakemake keeps in .snakemake; free some, then run the same command again to resume"
)
# What Snakemake says of a folder in which another one works, or was killed; its advice would fit the second case only.
LOCK = re.compile(r"LockException|Directory cannot be locked")
OF_LOCK = re.compile(r"[Ll]ocked|--unlock|no other Snakemake|no other instances|remaining lock|kill signal|^/\S")
INTERRUPTED = re.compile(r"on user request|KeyboardInterrupt")
#: What Snakemake says in many lines, and what is said once instead.
ONCE = {FULL: NO_SPACE, INTERRUPTED: "interrupted; run the same command again to resume"}
#: The exit status where no job began: there is nothing new to show.
NOTHING_BEGAN = 2
EXAMPLE = "results/miniature/c_ssed/tables/table2.csv"
#: What is raised while the workflow is read: the next line says what is wrong.
OF_CONFIGURATION = re.compile(r"^WorkflowError in file ")
INTRODUCES = re.compile(r"^\w*(Error|Exception)\b.*:$")


def shown(lines: Iterable[str]) -> Iterator[str]:
    """The lines worth showing; what an error line ending in a colon introduces is shown too."""
    done, introduced, of_configuration, locked = "starting", False, False, False
    told: set[str] = set()
    for line in lines:
        text = line.rstrip("\n")
        if LOCK.search(text) or (locked and OF_LOCK.search(text)):
            if not locked:
                yield in_use(others_here())
            locked = True
        elif said := next((said for pattern, said in ONCE.items() if pattern.search(text)), None):
            if said not in told:
                yield said
            told.add(said)
        elif match := STARTED.match(text):
            yield f"[{done}] {match[1]}"
        elif match := DONE.match(text):
            done = f"{match[1]}/{match[2]}"
        elif TRANSFER.search(text):
            yield f"    {text.strip()}"
        elif match := NO_RULE.match(text):
            yield f"error: {match[1]} is not made by any rule; a target is a file, such as {EXAMPLE}"
        elif (introduced or SHOWN.search(text)) and not HIDDEN.search(text):
            yield OF_SETTINGS.sub("error: ", text) if not of_configuration else f"error: {text}"
        of_configuration = bool(OF_CONFIGURATION.match(text))
        introduced = bool(INTRODUCES.search(text)) and not text.startswith("RuleException") and not LOCK.search(text)


def in_use(processes: list[int]) -> str:
    """Why the folder is locked, and what to do, in one line."""
    if processes:
        return f"error: another command is running in this folder (process {processes[0]}); wait until it has ended"
    return "error: a command was killed in this folder; run `make unlock`, then the same command again to resume"


def others_here() -> list[int]:
    """Processes of Snakemake that work in this folder, but for the one whose output this is (Linux)."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _is_other(entry)]


def _is_other(process: Path) -> bool:
    try:
        command = (process / "cmdline").read_bytes().split(b"\0")
        parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        here = (process / "cwd").samefile(".")
    except (OSError, ValueError, IndexError):  # it has ended, or is another user's
        return False
    return here and parent != os.getppid() and any(Path(os.fsdecode(word)).name == "snakemake" for word in command[:2])


def say(line: str) -> None:
    """Print a line. Once nobody reads any more (`make results | head`), the workflow goes on without a word.

    It must not end of it: Snakemake would be killed by its next line, and leave its lock behind.
    """
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Snakemake ends by itself, and its last lines are worth showing
    # Progress bars end their lines with a carriage return; names may be no UTF-8.
    sys.stdin.reconfigure(newline=None, errors="surrogateescape")
    sys.stdout.reconfigure(errors="surrogateescape")
    began = failed = False
    for shown_line in shown(sys.stdin):
        say(shown_line)
        began = began or shown_line.startswith("[")
        failed = failed or "rror" in shown_line
    sys.exit(NOTHING_BEGAN if failed and not began else 0)
