import pytest

pytest.importorskip("apache_beam", reason="needs the extra beam")

from keras_deid.beam.running import works_here


@pytest.mark.parametrize(
    ("runner", "options", "here"),
    [
        ("DirectRunner", [], True),
        ("directrunner", ["--direct_num_workers=2", "--direct_running_mode=multi_threading"], True),
        ("DirectRunner", ["--direct_num_workers=2", "--direct_running_mode=multi_processing"], False),
        ("FlinkRunner", ["--flink_master=HOST:8081"], False),
    ],
)
def test_where_photographs_are_worked_on(runner, options, here):
    assert works_here(runner, options) == here
