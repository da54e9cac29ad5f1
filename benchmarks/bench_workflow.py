"""The workflow around the jobs: CPU seconds of Snakemake per job, and of starting a verb, each as a ratio in one run.

Snakemake: jobs that sleep, many at a time, with its limit on submissions per second (each pass of the scheduler starts
a timer whose end is another pass, so that its cost grows with the jobs that have ended and with their length), and
without it, as the suite's Snakefile runs them on one machine. Verbs: each prints its help, once in a process of its
own that imports what the verb needs, and once through the server that the workflow starts; the work of the verb itself
is not included.

    python benchmarks/bench_workflow.py [--jobs 100] [--sleep 3] [--repeats 3]
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sedrepro import job_client, job_server

VERBS = ("train", "score", "table", "figure", "features", "page")
SNAKEFILE = """
onstart:
    if config["unlimited"]:
        workflow.scheduler.job_rate_limiter = None

rule all:
    input: expand("out/{number}.txt", number=range(config["jobs"]))

rule one:
    output: "out/{number}.txt"
    shell: "sleep %s; echo > {output}"
"""


def cpu_seconds(command: list[str], folder: Path) -> float:
    """CPU seconds, user and system, of a command and of all that it has waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def snakemake_seconds(jobs: int, sleep: float, unlimited: bool) -> float:
    """CPU seconds of Snakemake, with those of its sleeping jobs."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Snakefile").write_text(SNAKEFILE % sleep, encoding="utf-8")
        words = ["--cores", "10", "--quiet", "all", "--scheduler", "greedy"]
        chosen = ["--config", f"jobs={jobs}", f"unlimited={unlimited}"]
        return cpu_seconds([sys.executable, "-m", "snakemake", *words, *chosen], Path(folder))


def verb_seconds(verb: str, environment: dict[str, str], repeats: int) -> float:
    """Median wall seconds of importing a verb and showing its help."""
    program = [sys.executable, "-m", "sedrepro", verb, "--help"]
    own = [
        sys.executable,
        "-c",
        f"import sedrepro.steps.{verb}; from sedrepro.cli import main; main(['{verb}', '--help'])",
    ]
    seconds = []
    for _ in range(repeats):
        started = time.monotonic()
        command = program if job_client.VARIABLE in environment else own
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds)


def compare_schedulers(jobs: int, sleep: float) -> None:
    """Print CPU seconds of Snakemake per job, with and without its limit."""
    limited, unlimited = (snakemake_seconds(jobs, sleep, unlimited=each) for each in (False, True))
    print(f"Snakemake, {jobs} jobs that sleep {sleep:g} s, 10 at a time; CPU seconds per job")
    per_job = f"with its limit {limited / jobs:.3f}, without {unlimited / jobs:.3f}"
    print(f"  {per_job}: ratio {limited / unlimited:.1f}")


def compare_starts(repeats: int) -> None:
    """Print how long verbs take to start, by themselves and through the server."""
    path = job_server.start(sys.executable)
    while path and not Path(path).exists():
        time.sleep(0.1)
    served = os.environ | ({job_client.VARIABLE: path} if path else {})
    verb_seconds("list", served, 1)  # the server has imported everything when it answers
    alone = {name: value for name, value in os.environ.items() if name != job_client.VARIABLE}
    print("Start of a verb, wall seconds")
    for verb in VERBS:
        own, forked = verb_seconds(verb, alone, repeats), verb_seconds(verb, served, repeats)
        print(f"  {verb:10} by itself {own:.2f}, by the server {forked:.2f}: ratio {own / forked:.1f}")


def main() -> None:
    """Run both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--sleep", type=float, default=3, help="seconds that each job sleeps")
    parser.add_argument("--repeats", type=int, default=3, help="starts of each verb")
    options = parser.parse_args()
    compare_schedulers(options.jobs, options.sleep)
    compare_starts(options.repeats)


if __name__ == "__main__":
    main()
