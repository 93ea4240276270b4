import io

import pytest
import tqdm

from keras_deid.cli.progress import Bar, Steps
from keras_deid.progress import Counter, silent


class Shown(list):
    """What each bar shows: [total, first, last, description, closed]."""


@pytest.fixture
def shown(monkeypatch):
    bars = Shown()

    class Fake:
        def __init__(self, *, total, initial, desc, unit, **settings):
            self.n, self.total, self.state = initial, total, [total, initial, initial, desc, False]
            bars.append(self.state)
            assert unit == " files"

        def update(self, count):
            self.n += count
            self.state[0], self.state[2] = self.total, self.n

        def set_description(self, what, refresh):
            self.state[3] = what

        def close(self):
            self.state[4] = True

    monkeypatch.setattr(tqdm, "tqdm", Fake)
    return bars


def test_a_bar_begins_where_the_work_stands_and_follows_it(shown):
    with Bar("files") as progress:
        progress(3, 10, "one")
        progress(5, 10, "two")
        progress(6, 11, "two")  # an estimate that turned out too low
    assert shown == [[11, 3, 6, "two", True]]


def test_other_work_is_another_bar(shown):
    with Bar("files") as progress:
        progress(2, 2, "preparing")
        progress(40, 100, "training")  # continued: its count is higher
        progress(0, 100, "evaluating")
    assert shown == [[2, 2, 2, "preparing", True], [100, 40, 40, "training", True], [100, 0, 0, "evaluating", True]]


def test_a_bar_is_closed_after_an_error(shown):
    with pytest.raises(RuntimeError), Bar("files") as progress:
        progress(1, 2, "one")
        raise RuntimeError
    assert shown == [[2, 1, 1, "one", True]]


@pytest.mark.parametrize(("in_logs", "told"), [(True, True), (False, False)])
def test_without_a_terminal_only_what_belongs_in_a_log_is_written(monkeypatch, in_logs, told):
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    with Bar("files", in_logs=in_logs, leave=True) as progress:
        progress(0, 2, "counting")
        progress(2, 2, "counting")
    assert ("counting: " in written.getvalue() and "2/2" in written.getvalue()) == told
    assert told or written.getvalue() == ""


def test_a_counter_adds_up():
    told = []
    counter = Counter(lambda *counts: told.append(counts), 5, "maps")
    counter.add(2)
    counter.add(3)
    assert told == [(2, 5, "maps"), (5, 5, "maps")]
    Counter(silent, None, "maps").add(1)


def test_steps_are_lines(capsys):
    begin = Steps(2)
    begin("a")
    begin("b")
    assert capsys.readouterr().out == "[1/2] a\n[2/2] b\n"
