import json

import pytest

from keras_deid.errors import UserError
from keras_deid.training.cluster import ALONE, Worker, this_worker

TWO = ["one:1", "two:1"]


def config(cluster, kind="worker", index=0):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "worker"),
    [
        (config({"worker": TWO}), Worker(0, 2)),
        (config({"worker": TWO}, index=1), Worker(1, 2)),
        (config({"worker": TWO}, index="1"), Worker(1, 2)),
        (config({"chief": ["c:1"], "worker": TWO}, "chief"), Worker(0, 3)),
        (config({"chief": ["c:1"], "worker": TWO}, "worker", 1), Worker(2, 3)),
        (config({"worker": ["one:1"]}), ALONE),
        ("{}", ALONE),
    ],
)
def test_the_worker_that_tf_config_names(monkeypatch, text, worker):
    monkeypatch.setenv("TF_CONFIG", text)
    assert this_worker("auto") == worker
    assert this_worker("multi_worker") == worker
    assert this_worker("one") == this_worker("mirrored") == ALONE
    assert worker.chief == (worker.number == 0)


def test_without_tf_config_there_is_one_machine(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert this_worker("auto") == ALONE
    with pytest.raises(UserError, match=r"^training.strategy=multi_worker: set TF_CONFIG on each machine, see docs/"):
        this_worker("multi_worker")


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        config({"worker": TWO}, index=2),
        config({"worker": TWO}, "evaluator"),
        json.dumps({"cluster": {"worker": TWO}}),
        config({"worker": 3}),
        config({"worker": TWO}, index="first"),
    ],
)
def test_a_tf_config_that_cannot_be_read_is_a_mistake(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError) as raised:
        this_worker("auto")
    assert str(raised.value).startswith('TF_CONFIG: expected {"cluster"')
    assert str(raised.value).endswith(f"received {text!r}")
