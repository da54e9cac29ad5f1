"""`python -m sedrepro`: the verbs that the workflow's rules call, each usable by hand."""

import sys

from sedrepro.cli import main

if __name__ == "__main__":
    sys.exit(main())
