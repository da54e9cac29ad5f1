"""Snakemake's output as one progress line per job that starts; errors stay whole. The jobs' own logs are files."""

import re
import signal
import sys
from collections.abc import Iterable, Iterator

STARTED = re.compile(r"^Job \d+: (.*)")
DONE = re.compile(r"^(\d+) of (\d+) steps .* done$")
SHOWN = re.compile(r"[Ee]rror|Exception|^Nothing to be done|^ +\(whole log|[Ll]ocked|--unlock")
# What a download says while it runs: speed and remaining time, and why it tries again.
TRANSFER = re.compile(r"\d[\d.]*[kMGT]?B/s\b|trying (again|once more)")
HIDDEN = re.compile(
    r"^(CalledProcessError|RuleException|Error in rule|Command )|\(check log file|^ +File |^ +message: |Look above"
)
INTRODUCES = re.compile(r"^\w*(Error|Exception)\b.*:$")


def shown(lines: Iterable[str]) -> Iterator[str]:
    """The lines worth showing; what an error line ending in a colon introduces is shown too."""
    done, introduced = "starting", False
    for line in lines:
        text = line.rstrip("\n")
        if match := STARTED.match(text):
            yield f"[{done}] {match[1]}"
        elif match := DONE.match(text):
            done = f"{match[1]}/{match[2]}"
        elif TRANSFER.search(text):
            yield f"    {text.strip()}"
        elif (introduced or SHOWN.search(text)) and not HIDDEN.search(text):
            yield text
        introduced = bool(INTRODUCES.search(text)) and not text.startswith("RuleException")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Snakemake ends by itself, and its last lines are worth showing
    sys.stdin.reconfigure(newline=None)  # progress bars end their lines with a carriage return
    for shown_line in shown(sys.stdin):
        print(shown_line, flush=True)
