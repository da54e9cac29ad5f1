"""The profile for Slurm on a Slurm of its own: one node on loopback, two GPUs that are pretended.

A job that is cancelled is noticed and told of, and its training is refused to others while it runs; the next attempt
goes on where it stopped, and asks for more. Needs root, the daemons, and the plugin of envs/slurm.txt.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project import Project

from sedrepro.miniature.dcase2017_task4 import TrafficSize, write_dcase2017_task4

pytestmark = pytest.mark.slurm

HERE = Path(__file__).parent / "slurm"
ETC = Path("/etc/slurm")
PAPER = "hierarchical_pooling"
RUN = "linear_single/dcase2017/fold0/seed1"
SCALE = "recordings"
METRICS = f"results/{SCALE}/{PAPER}/runs/{RUN}/metrics.json"
RESUME = f"data/{SCALE}/resume/{PAPER}/runs/{RUN}"
LOG = f"data/{SCALE}/logs/{PAPER}/train/linear_single/dcase2017_fold0_seed1.log"
FEATURES = f"data/{SCALE}/{PAPER}/features/dcase2017"
#: Trained for longer than Slurm and the test need to see it.
EPOCHS = 15
#: The runs of other scales than miniature ask for what published sizes need.
RUNTIME, MEMORY = 720 + 60, 24000
PATIENCE = 400


def plugin() -> Path | None:
    """The folder in which the plugin is installed."""
    found = importlib.util.find_spec("snakemake_executor_plugin_slurm")
    return Path(found.origin).parents[1] if found and found.origin else None


def why_not() -> str:
    """Why there can be no Slurm here; empty where there can."""
    lacking = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name)]
    if lacking:
        return f"{lacking[0]} is not installed (Debian: apt-get install slurm-wlm munge)"
    if not plugin():
        return "the plugin is not installed (pip install -r envs/slurm.txt -c envs/constraints.txt)"
    if os.geteuid() != 0:
        return "only root can start Slurm's daemons and name them in /etc/slurm"
    if (ETC / "slurm.conf").exists():
        return f"{ETC}/slurm.conf names another Slurm"
    return ""


def until(true, what: str, seconds: float = 60):
    """What `true` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)
    return found


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Slurm of one node, ready for jobs."""
    if reason := why_not():
        pytest.skip(reason)
    run = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool", "munge"):
        (run / name).mkdir()
    (run / "munge").chmod(0o711)
    key = run / "munge/key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    host = socket.gethostname().partition(".")[0]
    text = (HERE / "slurm.conf.in").read_text().replace("@RUN@", str(run)).replace("@HOST@", host)
    (run / "slurm.conf").write_text(text)
    shutil.copy(HERE / "gres.conf", run)
    ETC.mkdir(exist_ok=True)
    links = [ETC / name for name in ("slurm.conf", "gres.conf")]  # Snakemake's job step does not pass SLURM_CONF on
    try:
        for link in links:
            link.unlink(missing_ok=True)
            link.symlink_to(run / link.name)
        _start(run)
        yield run
    finally:
        for name in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
            if (run / name).is_file():
                _end(int((run / name).read_text()))
        for link in links:
            link.unlink(missing_ok=True)


def _start(run: Path) -> None:
    munge = run / "munge"
    files = {name: f"--{name}={munge / end}" for name, end in (("socket", "sock"), ("pid-file", "pid"))}
    files |= {name: f"--{name}={munge / end}" for name, end in (("log-file", "log"), ("seed-file", "seed"))}
    subprocess.run(["munged", f"--key-file={munge / 'key'}", "--force", *files.values()], check=True)
    for daemon in ("slurmctld", "slurmd"):
        subprocess.run([daemon, "-f", str(run / "slurm.conf")], check=True)
    until(lambda: said("sinfo", "-h", "-o", "%t") == "idle", "the node is idle")


def _end(process: int) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(process, how)
            until(lambda: not Path(f"/proc/{process}").exists(), f"process {process} has ended", 10)
        except ProcessLookupError:
            return
        except AssertionError:
            continue


def clock(minutes: int) -> str:
    """A time as Slurm shows it."""
    days, rest = divmod(minutes, 24 * 60)
    return f"{f'{days}-' if days else ''}{rest // 60:02}:{rest % 60:02}:00"


class Cluster(Project):
    """The project, whose jobs are submitted to Slurm."""

    def __init__(self, folder: Path) -> None:
        data = folder / "data_root"
        data.mkdir(parents=True)
        write_dcase2017_task4(data, seed=0, size=TrafficSize(training=40, testing=8, evaluation=8))
        changes = {PAPER: {"training.epochs": EPOCHS, "training.stop_patience": None}}
        words = f"scale={SCALE} papers={PAPER} data_root={data} set={json.dumps(changes, separators=(',', ':'))}"
        super().__init__(folder, [METRICS], words)
        self.environment["PYTHONPATH"] += f"{os.pathsep}{plugin()}"

    def prepare(self) -> None:
        """Make the features on this machine."""
        self.targets = [FEATURES]
        status, output = self.run("--cores", "2")
        assert status == 0, output
        self.targets = [METRICS]

    def submit(self, *words: str) -> subprocess.Popen:
        command = ["snakemake", "--profile", "workflow/profiles/slurm", *words]
        command += ["--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "5"]
        command += ["--config", *self.config.split(), "--", *self.targets]
        with open(self.folder / "snakemake.log", "w", encoding="utf-8") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def told(self) -> str:
        return (self.folder / "snakemake.log").read_text(encoding="utf-8")

    def running(self, snakemake: subprocess.Popen, than: str = "") -> str:
        """The number of the job that trains, another than a former one, once an epoch of it is done."""

        def found() -> str:
            assert snakemake.poll() is None, self.told()
            lock = self.folder / f"{RESUME}.lock"
            if not (self.folder / f"{RESUME}.pt").is_file() or not lock.is_file():
                return ""
            job = json.loads(lock.read_text() or "{}").get("job", "")
            return job if job and job != than and job == said("squeue", "-h", "-t", "R", "-o", "%i") else ""

        return until(found, "a job trains", PATIENCE)


@pytest.fixture(scope="module")
def cluster(slurm, tmp_path_factory):
    project = Cluster(tmp_path_factory.mktemp("project"))
    project.prepare()
    yield project
    subprocess.run(["scancel", "--user", "root"], check=False)


def test_a_cancelled_job_is_told_of_and_its_next_attempt_goes_on_with_more_memory_and_time(cluster):
    first = cluster.submit("--retries", "0")
    job = cluster.running(first)
    asked = said("scontrol", "show", "job", job)
    for wanted in ("TresPerJob=gres:gpu:1", f"TimeLimit={clock(RUNTIME)}", f"mem={MEMORY}M", "JobName=sedrepro_"):
        assert wanted in asked, asked
    words = ["--paper", PAPER, "--system", "linear_single", "--variant", "dcase2017", "--fold", "0", "--seed", "1"]
    written = next((cluster.folder / f"data/{SCALE}/configurations").iterdir())
    other = subprocess.run(
        [sys.executable, "-m", "sedrepro", "train", "--config", str(written), *words],
        cwd=cluster.folder,
        env=cluster.environment,
        capture_output=True,
        text=True,
    )
    assert other.returncode != 0 and f"(Slurm job {job})" in other.stderr, other.stderr
    subprocess.run(["scancel", job], check=True)
    assert first.wait(PATIENCE) != 0
    assert re.search(r"^Slurm: .*CANCELLED", cluster.told(), re.MULTILINE), cluster.told()
    assert said("squeue", "-h") == ""

    second = cluster.submit("--retries", "1")
    next_job = cluster.running(second, job)
    subprocess.run(["scancel", next_job], check=True)
    again = cluster.running(second, next_job)
    asked = said("scontrol", "show", "job", again)
    for wanted in (f"TimeLimit={clock(2 * RUNTIME)}", f"mem={2 * MEMORY}M"):
        assert wanted in asked, asked
    assert second.wait(PATIENCE) == 0, cluster.told()
    assert "resuming after epoch" in (cluster.folder / LOG).read_text().splitlines()[0]
    assert (cluster.folder / METRICS).is_file()
    assert not list((cluster.folder / RESUME).parent.iterdir())
    assert cluster.told().count("has been submitted with SLURM jobid") == 2  # each trains and scores: one per attempt
