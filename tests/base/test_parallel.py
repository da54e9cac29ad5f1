"""Work on many items in order, and progress that is worth reading in a log."""

import threading

import pytest

from sedrepro.base import parallel
from sedrepro.base.parallel import ordered_map, progress_bar


def test_results_come_in_order_whatever_ends_first():
    gates = [threading.Event() for _ in range(3)]
    gates[2].set()

    def work(number: int) -> int:
        assert gates[number].wait(5)
        if number:
            gates[number - 1].set()
        return number

    assert list(ordered_map(work, range(3), 3, "numbers")) == [0, 1, 2]


def test_the_first_error_ends_the_work():
    begun = []

    def work(number: int) -> None:
        begun.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        list(ordered_map(work, range(100), 1, "numbers"))
    assert len(begun) < 10


@pytest.mark.parametrize(("size", "shown"), [(4000, "a.zip: 50 % of 4.00kB, "), (None, "a.zip: 2.00kB, ")])
def test_away_from_a_terminal_progress_is_a_line_now_and_then(monkeypatch, capsys, size, shown):
    with progress_bar("a.zip", 1000, size) as bar:
        bar.update(1000)
    assert shown not in capsys.readouterr().err
    monkeypatch.setattr(parallel, "LINE_SECONDS", 0.0)
    with progress_bar("a.zip", 1000, size) as bar:
        bar.update(1000)
    printed = capsys.readouterr().err
    assert shown in printed
    assert "B/s" in printed
