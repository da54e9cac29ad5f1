"""`python -m sedrepro`: the verbs that the workflow's rules call, each usable by hand."""

import sys


def main() -> int:
    """The command line's exit status; its own loading can be interrupted too."""
    try:
        from sedrepro.cli import main as run

        return run()
    except KeyboardInterrupt:
        print("sedrepro: interrupted; run it again to go on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
