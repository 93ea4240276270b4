import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = """
name: tiny
data: {image_size: [32, 32], synthetic: {train: 8, val: 2, test: 3}}
generator: {filters: 4, blocks: 2, reduction: 4}
discriminator: {filters: 4, layers: 1}
training: {batch_size: 2, epochs: 1, decay_epochs: 0, samples: 1}
"""


@pytest.mark.slow
def test_the_main_job_ends_in_figures_a_report_and_a_model(tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY)
    command = [sys.executable, str(ROOT / "scripts" / "train.py"), "--config", "tiny.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-3:] == [
        "look at: runs/tiny/evaluation.png, runs/tiny/samples/; metrics: runs/tiny/summary.json",
        "attention: runs/tiny/attention/report.html",
        "for serving: saved_models/tiny/1",
    ]
    assert "cbam_2" in (tmp_path / "runs/tiny/attention/report.html").read_text()
    assert (tmp_path / "saved_models/tiny/1/saved_model.pb").exists()
