import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.base import gpus as machine
from sedrepro.base.errors import SettingsError
from sedrepro.base.gpus import Gpu
from sedrepro.training import device
from sedrepro.training.device import Ledger, default_ledger, leased_device, wants_cuda

fork = multiprocessing.get_context("fork")
needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")


def gpus(*sizes, used=0):
    return lambda: [Gpu(i, f"gpu-{i}", "card", size, size - used) for i, size in enumerate(sizes)]


def needing(mib: int):
    """A run that needs as much on every GPU."""
    return lambda gpu: mib


def reserve(ledger: Ledger, need: int, seen: list[Gpu]) -> Gpu | None:
    return ledger._reserve(seen, {gpu.uuid: need for gpu in seen})[0]


def entries(ledger: Ledger) -> list[dict]:
    return json.loads(ledger.path.read_text())


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.json", poll_seconds=0.01)


# --- choosing


def test_cuda_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(machine, "has_cuda", lambda: False)
    with pytest.raises(SettingsError, match="device = cuda: no CUDA") as caught, leased_device("cuda", needing(1)):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "available", "wanted"),
    [("auto", True, True), ("auto", False, False), ("cpu", True, False), ("cuda", True, True)],
)
def test_which_device_is_wanted(monkeypatch, name, available, wanted):
    monkeypatch.setattr(machine, "has_cuda", lambda: available)
    assert wants_cuda(name) is wanted


def test_the_cpu_is_lent_without_a_reservation(monkeypatch, tmp_path):
    monkeypatch.setattr(device, "default_ledger", lambda: tmp_path / "ledger.json")
    with leased_device("cpu", needing(10**9)) as lent:
        assert lent == torch.device("cpu")
    assert not (tmp_path / "ledger.json").exists()


@pytest.fixture
def lent(monkeypatch, tmp_path):
    """Two GPUs, a ledger, and a torch that can use them."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(machine, "has_cuda", lambda: True)
    monkeypatch.setattr(machine, "without_context", lambda: True)
    monkeypatch.setattr(machine, "visible_gpus", gpus(100, 200))
    monkeypatch.setattr(device, "default_ledger", lambda: tmp_path / "ledger.json")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    return Ledger(tmp_path / "ledger.json")


def test_a_gpu_is_reserved_for_as_long_as_it_is_lent_and_is_the_only_one_that_the_process_sees(lent):
    with leased_device("auto", needing(50)) as got:
        assert got == torch.device("cuda", 0)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "gpu-1"
        (entry,) = entries(lent)
        assert (entry["pid"], entry["gpu"], entry["mib"]) == (os.getpid(), "gpu-1", 50)
    assert entries(lent) == []


def test_without_the_driver_library_the_number_stays_and_the_advice_is_printed(lent, monkeypatch, capsys):
    monkeypatch.setattr(machine, "without_context", lambda: False)
    with leased_device("auto", needing(50)) as got:
        assert got == torch.device("cuda", 1)
    assert "nvidia-ml-py" in capsys.readouterr().out


def test_a_torch_that_cannot_use_the_gpu_is_an_error_that_says_so(lent, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingsError, match="cannot use card"), leased_device("auto", needing(50)):
        pass
    assert entries(lent) == []


def test_the_ledger_belongs_to_the_user():
    assert str(os.getuid()) in default_ledger().name


# --- reservations


def test_a_reservation_ends_with_an_error_too(ledger):
    with pytest.raises(KeyError), ledger.lease(needing(10), gpus(100)):
        raise KeyError
    assert entries(ledger) == []


def test_the_roomiest_gpu_is_taken(ledger):
    with ledger.lease(needing(10), gpus(100, 300, 200)) as first:
        assert first.index == 1
    with ledger.lease(needing(200), gpus(100, 300, 200)), ledger.lease(needing(50), gpus(100, 300, 200)) as second:
        assert second.index == 2


def test_memory_that_others_use_counts(ledger):
    def busy():
        return [Gpu(0, "a", "card", 100, 30), Gpu(1, "b", "card", 80, 80)]

    with ledger.lease(needing(50), busy) as gpu:
        assert gpu.index == 1


def test_memory_that_others_use_counts_beside_reservations(ledger):
    # 40 of 100 MiB are reserved, but 70 are in use: another 40 do not fit.
    assert reserve(ledger, 40, gpus(100)()) is not None
    assert reserve(ledger, 40, gpus(100, used=70)()) is None
    assert reserve(ledger, 20, gpus(100, used=70)()) is not None


def test_memory_reserved_and_already_allocated_is_not_counted_twice(ledger):
    assert reserve(ledger, 40, gpus(100)()) is not None
    assert reserve(ledger, 40, gpus(100, used=40)()) is not None


def test_where_no_gpu_is_seen_that_is_said(ledger):
    with pytest.raises(SettingsError, match="no GPU is visible"), ledger.lease(needing(1), gpus()):
        pass


@pytest.mark.parametrize("sizes", [(100,), (60, 100)])
def test_what_no_gpu_can_hold_is_refused(ledger, sizes):
    with pytest.raises(SettingsError) as caught, ledger.lease(needing(99), gpus(*sizes)):
        pass
    assert "a run needs 99 MiB" in str(caught.value)
    assert f"the largest GPU has {max(sizes, default=0)}" in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(50, 500), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 300), st.booleans()), max_size=25),
)
def test_reservations_never_exceed_a_gpu(sizes, moves):
    """Jobs 0 to 5 come with a need, or go; after every move each GPU holds what is reserved on it."""
    alive: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        ledger = Ledger(Path(folder) / "ledger.json")
        patch.setattr(device, "_is_alive", lambda pid, started: pid in alive)
        for job, need, comes in moves:
            patch.setattr(device.os, "getpid", lambda job=job: job)
            if comes and job not in alive:
                alive[job] = need
                before = entries(ledger) if ledger.path.exists() else []
                taken = {
                    f"gpu-{i}": sum(e["mib"] for e in before if e["gpu"] == f"gpu-{i}" and e["pid"] in alive)
                    for i in range(len(sizes))
                }
                fits = any(need <= size * 0.95 - taken[f"gpu-{i}"] for i, size in enumerate(sizes))
                granted = reserve(ledger, need, gpus(*sizes)())
                assert (granted is not None) == fits
                if granted is None:
                    del alive[job]
            elif not comes:
                alive.pop(job, None)
            held = entries(ledger) if ledger.path.exists() else []
            for i, size in enumerate(sizes):
                assert sum(e["mib"] for e in held if e["gpu"] == f"gpu-{i}" and e["pid"] in alive) <= size * 0.95


# --- several processes


def _hold(path, log, seconds):
    with Ledger(path, 0.01).lease(needing(40), gpus(100)), open(log, "a") as file:
        file.write("+")
        file.flush()
        time.sleep(seconds)
        file.write("-")
        file.flush()


@needs_fork
def test_processes_wait_for_each_other(ledger, tmp_path):
    log = tmp_path / "log"
    jobs = [fork.Process(target=_hold, args=(ledger.path, log, 0.05)) for _ in range(6)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(30)
    assert [job.exitcode for job in jobs] == [0] * 6
    running, most = 0, 0
    for sign in log.read_text():
        running += 1 if sign == "+" else -1
        most = max(most, running)
    assert log.read_text().count("+") == 6
    assert most <= 2  # 40 MiB each in 95 of 100
    assert entries(ledger) == []


def _mark_and_release(path, ready, go, marker):
    with Ledger(path, 0.01).lease(needing(60), gpus(100)):
        ready.set()
        go.wait(30)
        Path(marker).touch()


@needs_fork
def test_a_lease_waits_until_memory_is_given_back(ledger, tmp_path):
    ready, go, marker = fork.Event(), fork.Event(), tmp_path / "given back"
    holder = fork.Process(target=_mark_and_release, args=(ledger.path, ready, go, marker))
    holder.start()
    assert ready.wait(30)
    asked = []

    def watched():
        asked.append(1)
        if len(asked) == 3:
            go.set()
        return gpus(100)()

    with ledger.lease(needing(60), watched):
        assert marker.exists()
        assert len(asked) >= 3
    holder.join(30)


def _take_and_stay(path, ready):
    with Ledger(path).lease(needing(60), gpus(100)):
        ready.set()
        time.sleep(60)


@needs_fork
def test_a_killed_job_is_forgotten(ledger):
    ready = fork.Event()
    job = fork.Process(target=_take_and_stay, args=(ledger.path, ready))
    job.start()
    assert ready.wait(30)
    assert reserve(ledger, 60, gpus(100)()) is None
    os.kill(job.pid, signal.SIGKILL)
    job.join()
    with ledger.lease(needing(60), gpus(100)) as gpu:
        assert gpu.index == 0
        assert [e["pid"] for e in entries(ledger)] == [os.getpid()]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[{",
        "no json",
        "{}",
        "3",
        '[{"pid": 1}]',
        "[1, 2]",
        '[{"pid": "x", "started": "1", "gpu": "gpu-0", "mib": 1}]',
        "\x00",
    ],
)
def test_a_damaged_ledger_is_begun_anew(ledger, content):
    ledger.path.write_text(content)
    with ledger.lease(needing(60), gpus(100)):
        assert [e["mib"] for e in entries(ledger)] == [60]
    assert entries(ledger) == []


def test_a_ledger_that_is_no_text_is_begun_anew(ledger):
    ledger.path.write_bytes(b"\xff\xfe\x80")
    with ledger.lease(needing(60), gpus(100)):
        assert [e["mib"] for e in entries(ledger)] == [60]


def alive(pid: int) -> bool:
    return device._is_alive(pid, device._started(pid))


def test_processes_of_other_users_count_as_alive():
    assert alive(os.getpid())
    assert alive(1)
    child = fork.Process(target=int)
    child.start()
    child.join()
    assert not alive(child.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_got_the_number_of_a_dead_one_is_not_taken_for_it(ledger):
    entry = {"pid": os.getpid(), "started": "1", "gpu": "gpu-0", "mib": 90}
    ledger.path.write_text(json.dumps([entry]))
    assert reserve(ledger, 60, gpus(100)()) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_job_that_its_parent_has_not_noticed_counts_as_dead():
    child = fork.Process(target=time.sleep, args=(60,))
    child.start()
    started = device._started(child.pid)
    assert device._is_alive(child.pid, started)
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    assert not device._is_alive(child.pid, started)
    child.join()


# --- several GPUs


@pytest.fixture
def as_jobs(monkeypatch):
    """Lets this process act as jobs of other numbers, all of them alive."""
    monkeypatch.setattr(device, "_is_alive", lambda pid, started: True)
    return lambda pid: monkeypatch.setattr(device.os, "getpid", lambda: pid)


def test_jobs_spread_over_eight_cards_before_they_share_one(ledger, as_jobs):
    seen = gpus(*[80000] * 8)()
    taken = []
    for job in range(24):
        as_jobs(job)
        taken.append(reserve(ledger, 25000, seen).index)
    assert sorted(taken[:8]) == sorted(taken[8:16]) == list(range(8))
    assert {taken.count(index) for index in range(8)} == {3}  # 76000 of 80000 MiB hold three
    as_jobs(24)
    assert reserve(ledger, 25000, seen) is None


def test_of_unequal_cards_only_those_are_taken_that_can_hold_the_run(ledger, as_jobs):
    seen = gpus(16000, 80000, 24000)
    taken = []
    for job in range(2):
        as_jobs(job)
        with ledger.lease(needing(30000), seen) as gpu:
            taken.append(gpu.index)
    assert taken == [1, 1]


def test_what_a_run_needs_may_differ_from_card_to_card(ledger):
    seen = [Gpu(0, "a", "T4", 16000, 16000), Gpu(1, "b", "H100", 80000, 80000)]
    with ledger.lease(lambda gpu: {"T4": 9000, "H100": 79000}[gpu.name], lambda: seen) as gpu:
        assert gpu.name == "T4"


def test_a_job_that_only_other_programs_keep_from_starting_gives_up(ledger, tmp_path):
    impatient = Ledger(tmp_path / "ledger.json", poll_seconds=0.01, patience_seconds=0.05)
    expected = pytest.raises(SettingsError, match="programs outside the suite")
    with expected as caught, impatient.lease(needing(60), gpus(100, used=70)):
        pass
    assert "left at most 30" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_job_that_another_run_keeps_from_starting_goes_on_waiting(tmp_path, as_jobs):
    impatient = Ledger(tmp_path / "ledger.json", poll_seconds=0.01, patience_seconds=0.05)
    as_jobs(1)
    assert reserve(impatient, 60, gpus(100)()) is not None
    asked = []

    def watched():
        asked.append(1)
        if len(asked) == 20:  # four times its patience
            impatient._update(lambda entries: [])
        return gpus(100)()

    as_jobs(2)
    with impatient.lease(needing(60), watched):
        assert len(asked) == 20
