"""`scripts/compare.py CONFIG...`: trains what is not trained yet, one run after the other, and compares the figures.

Each configuration becomes the run FOLDER/NAME, NAME as in the configuration. Stopped and started again, it goes on
where it was. Prints a Markdown table, and writes it to FOLDER/comparison.md.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from keras_deid.cli.command import command
from keras_deid.config import load_config
from keras_deid.errors import UserError
from keras_deid.evaluation.comparison import markdown_table, read_summary

_TRAIN = "from keras_deid.cli.train import main; raise SystemExit(main())"


@command
def main(argv: list[str] | None = None) -> int:
    """Trains and compares; see `keras_deid.evaluation.comparison.markdown_table`."""
    options = _parser().parse_intermixed_args(argv)
    paths = [Path(word) for word in options.words if "=" not in word]
    overrides = [word for word in options.words if "=" in word]
    if not paths:
        raise UserError("no configuration to compare: give files such as configs/ablation/*.yaml")
    names = {path: load_config(path, overrides).name for path in paths}
    if len(set(names.values())) < len(names):
        raise UserError(f"the configurations' names should differ, received {', '.join(names.values())}")
    for number, (path, name) in enumerate(names.items(), start=1):
        print(f"[{number}/{len(names)}] {name} ({path})", flush=True)
        _train_unless_done(path, overrides, options.out / name, options.photos)
    text = markdown_table({name: read_summary(options.out / name) for name in names.values()})
    (options.out / "comparison.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    print(f"written: {options.out / 'comparison.md'}")
    return 0


def _train_unless_done(config: Path, overrides: list[str], run: Path, photos: Path | None) -> None:
    """Trains in a process of its own, whose memory and precision leave no trace on the next."""
    if (run / "summary.json").exists():
        return
    words = ["--config", str(config), "--run", str(run), *(["--photos", str(photos)] if photos else []), *overrides]
    code = subprocess.run([sys.executable, "-c", _TRAIN, *words], check=False).returncode
    if code < 0 or code == 130:
        raise KeyboardInterrupt
    if code:
        raise UserError(f"{run}: training ended with exit code {code}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="compare.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "words", metavar="CONFIG | key=value", nargs="+", help="configurations; settings that hold for all of them"
    )
    parser.add_argument("--photos", metavar="FOLDER", type=Path, help="train on these photographs")
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=Path("runs"), help="default: runs")
    return parser
