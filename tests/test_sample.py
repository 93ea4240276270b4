import subprocess
import sys
from pathlib import Path

import numpy as np

from keras_deid.data.images import read_image

ROOT = Path(__file__).parents[1]


def test_the_sample_picture_is_what_its_script_draws(tmp_path):
    out = tmp_path / "sample.png"
    subprocess.run([sys.executable, ROOT / "scripts/draw_sample.py", "--out", out], check=True, timeout=120)
    np.testing.assert_array_equal(read_image(out), read_image(ROOT / "docs/sample.png"))
    assert out.with_suffix(".csv").read_text() == (ROOT / "docs/sample.csv").read_text()
    assert (ROOT / "docs/sample.png").stat().st_size < 150_000
