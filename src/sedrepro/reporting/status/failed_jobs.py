"""What a failed workflow says at its end: for every failed job the line that tells why, and where the rest stands."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

#: What Snakemake says of a job that failed: its logs, those of the scheduler too. Jobs of a group are indented, those
#: that never began among them.
LOGS = re.compile(r"^( *)log: (\S+(?:, \S+)*) \(check log", re.MULTILINE)
INDENTED_ALONE = 4
#: What the plugin for Slurm says of one.
STATUS = re.compile(r"SLURM-job '(\w+)' failed, SLURM status is: '(\w+)'")
#: What Slurm writes into a job's output: cancelled, out of time, out of memory; first what knows most of it. That a
#: program has exited is no reason.
WRITTEN_BY_SLURM = (
    re.compile(r"^slurmstepd\S*: error: (.+)", re.MULTILINE),
    re.compile(r"^srun: error: (?!.*Exited with exit code)(.+)", re.MULTILINE),
)
SLURM_LOGS = "slurm_logs"
#: Seconds by which the clock of a node may be behind that of the machine that Snakemake runs on.
CLOCKS_APART = 60.0


def failures(workflow_logs: Iterable[Path]) -> list[str]:
    """Two lines per failed job, from the log files of Snakemake: why, and its own log.

    A log that its job left untouched is that of an earlier command, and is passed over. Where a scheduler ended the
    job, its reason comes first: the last line of the job's own log is then any line.
    """
    return list(dict.fromkeys(line for path in workflow_logs for line in _of_workflow(path)))


def _of_workflow(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    since = _began(path) - CLOCKS_APART
    status = {job: f"Slurm ended job {job}: {state}" for job, state in STATUS.findall(text)}
    for indented, logs in dict.fromkeys(LOGS.findall(text)):
        paths = [Path(name) for name in logs.split(", ")]
        of_scheduler = [one for one in paths if SLURM_LOGS in one.parts]
        own = [one for one in paths if one not in of_scheduler]
        reason = next(filter(None, (_reason(one, status) for one in of_scheduler)), "")
        if reason:
            yield f"{reason}\n    (whole log: {(own or of_scheduler)[0]})"
        for one in own:
            if line := _last_line(one, since):
                yield f"{line}\n    (whole log: {one})"
            elif not reason and len(indented) <= INDENTED_ALONE:
                yield f"failed without a word\n    (whole log: {(of_scheduler or own)[0]})"


def _began(path: Path) -> float:
    """When Snakemake began, from the name of its log; 0 where it does not tell."""
    try:
        return datetime.strptime(path.name.partition(".snakemake")[0], "%Y-%m-%dT%H%M%S.%f").timestamp()
    except ValueError:
        return 0.0


def _reason(log: Path, status: dict[str, str]) -> str:
    """Why the scheduler ended a job, by the job's output or by its status; empty where it did not."""
    text = _text(log)
    found = next(filter(None, (pattern.findall(text) for pattern in WRITTEN_BY_SLURM)), [])
    return f"Slurm: {found[-1].strip('* ')}" if found else status.get(log.stem, "")


def _last_line(log: Path, since: float) -> str:
    lines: Sequence[str] = _text(log).splitlines() if log.is_file() and _is_fresh(log, since) else ()
    return next((line for line in reversed(lines) if line.strip()), "")


def _is_fresh(log: Path, since: float) -> bool:
    return log.stat().st_mtime >= since


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
