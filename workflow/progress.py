"""Snakemake's output as one progress line per job that starts; errors stay whole. The jobs' own logs are files."""

import re
import sys

STARTED = re.compile(r"^Job \d+: (.*)")
DONE = re.compile(r"^(\d+) of (\d+) steps .* done$")
SHOWN = re.compile(r"[Ee]rror|Exception|^Nothing to be done|^ +\(whole log")
HIDDEN = re.compile(r"^(CalledProcessError|RuleException|Command )|\(check log file")


def main() -> None:
    """Filter standard input to standard output, line by line."""
    done = "starting"
    for line in sys.stdin:
        text = line.rstrip("\n")
        if match := STARTED.match(text):
            print(f"[{done}] {match[1]}", flush=True)
        elif match := DONE.match(text):
            done = f"{match[1]}/{match[2]}"
        elif SHOWN.search(text) and not HIDDEN.search(text):
            print(text, flush=True)


if __name__ == "__main__":
    main()
