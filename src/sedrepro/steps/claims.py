"""Test every claim of the papers on our runs, write the outcomes as csv, and print how many hold."""

from __future__ import annotations

from sedrepro.reporting.claims.claims_file import counts, missing_tables, read_claims_file, write_claims
from sedrepro.steps.request import Request


def run(request: Request) -> None:
    """Write the claims."""
    path = write_claims(request.config)
    print(*counts(read_claims_file(path)), *missing_tables(request.config), path, sep="\n")
