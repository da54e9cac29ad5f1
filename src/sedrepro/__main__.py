"""`python -m sedrepro`: the verbs that the workflow's rules call, each usable by hand."""

import sys

from sedrepro.job_client import run_elsewhere


def main() -> int:
    """The command line's exit status; its own loading can be interrupted too."""
    try:
        status = run_elsewhere(sys.argv[1:])
        if status is not None:
            return status
        from sedrepro.cli import main as run

        return run()
    except KeyboardInterrupt:
        print("sedrepro: interrupted; run it again to resume", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
