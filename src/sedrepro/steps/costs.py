"""Print what the workflow's jobs have cost so far at this scale: processor time and memory, by verb (and paper)."""

from __future__ import annotations

import argparse
from collections import defaultdict

from sedrepro.base.job_costs import JobCost, read_job_costs
from sedrepro.base.terminal import aligned
from sedrepro.experiments import places
from sedrepro.steps.request import Request, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--papers", action="store_true", help="one row per verb and paper instead of one per verb")


def run(request: Request) -> None:
    """Print the sums."""
    path = places.costs_file(request.config)
    costs = read_job_costs(path)
    if not costs:
        say(f"{path}: no job has finished yet")
        return
    say(cost_table(costs, request.options.papers))


def cost_table(costs: list[JobCost], by_paper: bool) -> str:
    """A table of jobs, CPU seconds, wall seconds and largest memory, the dearest first, and the sum."""
    groups: dict[tuple[str, str], list[JobCost]] = defaultdict(list)
    for cost in costs:
        groups[cost.verb, _paper(cost) if by_paper else ""].append(cost)
    ordered = sorted(groups.items(), key=lambda group: -_cpu(group[1]))
    rows = [_row(f"{verb} {paper}".rstrip(), members) for (verb, paper), members in ordered]
    return aligned([["job", "times", "CPU s", "wall s", "MiB"], *rows, _row("all", costs)], left=1)


def _row(name: str, costs: list[JobCost]) -> list[str]:
    wall, memory = sum(cost.seconds for cost in costs), max(cost.peak_memory_mib for cost in costs)
    return [name, str(len(costs)), f"{_cpu(costs):.1f}", f"{wall:.1f}", str(memory)]


def _cpu(costs: list[JobCost]) -> float:
    return sum(cost.cpu_seconds for cost in costs)


def _paper(cost: JobCost) -> str:
    named = dict(zip(cost.words, cost.words[1:], strict=False))
    return named.get("--paper", "")
