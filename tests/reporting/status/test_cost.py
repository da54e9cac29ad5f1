"""What runs cost, as their folders say."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_example import write_run

from sedrepro.base.errors import DataError
from sedrepro.reporting.status.cost import RunCost, by_system, duration, environments, memory, read_costs, total


def run_cost(seconds=1.0, peak=100, gpu=None, system="gap", parameters=5):
    return RunCost(system, "remix_0db", seconds, peak, gpu, parameters, "f" * 64, (("torch", "2"),))


def test_every_run_is_read_with_its_system_and_variant(tmp_path):
    write_run(tmp_path, "b", 1)
    write_run(tmp_path, "a", 1, seconds=10, peak_gpu_memory_mib=2048)
    first, second = read_costs(tmp_path)
    assert (first.system, first.variant, first.seconds, first.peak_gpu_memory_mib) == ("a", "dcase2017", 10, 2048)
    assert (second.system, second.seconds, second.peak_gpu_memory_mib) == ("b", 90.5, None)
    assert (first.parameters, first.clips) == (12345, "e" * 64)
    assert ("commit", "unknown") in first.environment
    assert {"seconds", "peak_memory_mib"}.isdisjoint(dict(first.environment))


def test_no_runs_cost_nothing(tmp_path):
    assert read_costs(tmp_path) == []
    assert total([]).runs == 0
    assert by_system([]) == {}


def test_a_run_without_its_configuration_has_no_parameters(tmp_path):
    write_run(tmp_path, "a", 1)
    next(tmp_path.rglob("config.json")).unlink()
    assert read_costs(tmp_path)[0].parameters is None


@pytest.mark.parametrize("text", ["{}", "[]", '{"seconds": "long"}', "{"])
def test_a_damaged_file_is_named(tmp_path, text):
    write_run(tmp_path, "a", 1)
    path = next(tmp_path.rglob("environment.json"))
    path.write_text(text)
    with pytest.raises(DataError, match=r"environment\.json"):
        read_costs(tmp_path)


COSTS = st.lists(
    st.builds(
        run_cost,
        seconds=st.floats(0, 1e6),
        peak=st.integers(1, 10**6),
        gpu=st.none() | st.integers(1, 10**6),
        system=st.sampled_from("abc"),
        parameters=st.none() | st.integers(1, 9),
    )
)


@given(COSTS)
def test_the_systems_sum_to_the_whole(costs):
    whole, parts = total(costs), list(by_system(costs).values())
    assert sum(part.runs for part in parts) == whole.runs == len(costs)
    assert math.isclose(sum(part.seconds for part in parts), whole.seconds)
    assert max((part.peak_memory_mib for part in parts), default=0) == whole.peak_memory_mib
    gpu = [part.peak_gpu_memory_mib for part in parts if part.peak_gpu_memory_mib is not None]
    assert max(gpu, default=None) == whole.peak_gpu_memory_mib
    assert {number for part in parts for number in part.parameters} == set(whole.parameters)


def test_environments_are_counted(tmp_path):
    for seed, threads in ((1, 1), (2, 4), (3, 4)):
        write_run(tmp_path, "a", seed, threads=threads)
    assert [(one["threads"], runs) for one, runs in environments(read_costs(tmp_path))] == [("4", 2), ("1", 1)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (60, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (7380, "2 h 3 min"),
    ],
)
def test_a_duration_in_words(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("mebibytes", "text"), [(None, "–"), (0, "0 MiB"), (1023, "1023 MiB"), (2560, "2.5 GiB")])
def test_memory_in_words(mebibytes, text):
    assert memory(mebibytes) == text
