"""Much data: memory stays flat, the rate constant."""

import pytest

pytest.importorskip("apache_beam", reason="needs the extra beam")

from benchmarks.load import measure


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_200_000_pictures(tmp_path):
    for step, quarters in measure(200_000, tmp_path).items():
        rates = [quarter.rate for quarter in quarters]
        memory = [quarter.memory for quarter in quarters]
        assert min(rates) > 0.7 * max(rates), (step, rates)
        assert memory[-1] < 1.1 * memory[1], (step, memory)  # the first quarter loads libraries and fills buffers
