import time

import pytest

from benchmarks.turns import Contestant, Rates, rate, take_turns


def test_a_row_has_medians_and_ratios_of_the_same_round():
    rates = Rates(ours=[20.0, 30.0, 40.0], theirs=[10.0, 20.0, 10.0])
    # Ratios 2, 1.5 and 4; the ratio of the medians would be 3.
    assert rates.row("training") == "| training | 30.0 | 10.0 | 2.00 | 1.50 - 4.00 |"


def test_turns_alternate():
    calls = []

    def side(name, value):
        def turn():
            calls.append(name)
            return value

        return turn

    rates = take_turns(side("A", 2.0), side("B", 1.0), rounds=3)
    assert calls == list("ABABAB")
    assert rates == Rates([2.0] * 3, [1.0] * 3)


def test_a_rate_counts_pieces_by_the_second():
    # 8 pieces in 20 ms or somewhat more
    assert 100 < rate(lambda: time.sleep(0.02), pieces=8, seconds=0.2) <= 400


def test_a_contestant_lives_in_a_process_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "counting.py").write_text(
        "import os\n"
        "class Contestant:\n"
        "    def __init__(self, start): self.count = start\n"
        "    def add(self, number): self.count += number; return self.count, os.getpid()\n"
        "    def fail(self): raise ZeroDivisionError\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with Contestant("counting", 40) as one, Contestant("counting", 0) as other:
        assert one.call("add", 1)[0] == 41
        (count, process), (_, another) = one.call("add", 1), other.call("add", 1)
        assert (count, process != another) == (42, True)
        with pytest.raises(EOFError):
            one.call("fail")
