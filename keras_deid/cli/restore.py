"""`scripts/restore.py INPUT OUTPUT --model saved_models/NAME`: restores a picture, a folder, or a video.

With --url http://HOST:8501/v1/models/NAME a server does the work, TensorFlow Serving or the stand-in of serve.py.

Outputs have the formats and, in a folder, the paths of their inputs, are marked as synthetic in their metadata, and are
listed in OUTPUT/manifest.json. The same command continues where it was stopped. With --boxes only those regions change.
The exit code is 1 if some files could not be read.
"""

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from keras_deid.cli.command import command
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.errors import UserError

if TYPE_CHECKING:
    from keras_deid.restoring.model import Restorer

EXIT_SOME_BROKEN = 1
EXIT_TERMINATED = 143  # 128 + SIGTERM, as shells count
BAR_DELAY = 1.0  # seconds; what is done sooner needs no bar


@command
def main(argv: list[str] | None = None) -> int:
    """Restores pictures; see `keras_deid.restoring.restore`."""
    options = _parser().parse_args(argv)
    if not options.input.exists():
        raise UserError(f"{options.input}: does not exist; give a picture, a video, or a folder of them")
    with _terminable():
        model = _open_model(options)
        return _restore_folder(options, model) if options.input.is_dir() else _restore_file(options, model)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Lets SIGTERM end the command as Ctrl-C does: what is half-written is removed."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(EXIT_TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _open_model(options: argparse.Namespace) -> "Restorer":
    if options.url is not None:
        from keras_deid.serving.client import RestModel

        return RestModel(options.url)
    start_tensorflow()
    if options.grpc is not None:
        from keras_deid.serving.grpc_client import GrpcModel

        return GrpcModel(options.grpc)
    from keras_deid.restoring.model import LocalModel

    return LocalModel(options.model)


def _restore_file(options: argparse.Namespace, model: "Restorer") -> int:
    from keras_deid.restoring.restore import restore_file

    out = options.output / options.input.name if options.output.is_dir() else options.output
    with _bar(" pictures") as bar:
        restore_file(options.input, out, model, boxes=options.boxes, progress=partial(_show, bar))
    print(f"written: {out}")
    return 0


def _bar(unit: str, name: str | None = None) -> "tqdm[Any]":
    return tqdm(desc=name, unit=unit, leave=False, disable=None, delay=BAR_DELAY)


def _show(bar: "tqdm[Any]", done: int, total: int) -> None:
    if bar.total is None:  # what was done before says nothing about the rate
        bar.initial = bar.n = done
    bar.total = total
    bar.update(done - bar.n)


def _restore_folder(options: argparse.Namespace, model: "Restorer") -> int:
    from keras_deid.restoring.restore import restore_folder

    with _bar(" files") as bar, contextlib.ExitStack() as of_video:

        def show_video(video: Path) -> Callable[[int, int], None]:
            of_video.close()
            return partial(_show, of_video.enter_context(_bar(" pictures", video.name)))

        report = restore_folder(
            options.input,
            options.output,
            model,
            boxes=options.boxes,
            progress=partial(_show, bar),
            video_progress=show_video,
        )
    for error in report.broken:
        print(f"skipped: {error}", file=sys.stderr)
    before = f", {report.kept} were there already" if report.kept else ""
    print(f"restored: {report.restored} files{before}, {len(report.broken)} skipped; see {options.output}")
    return EXIT_SOME_BROKEN if report.broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="restore.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", metavar="INPUT", type=Path, help="a picture, a video, or a folder of them")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="what to write: a folder for a folder, else a file")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--model", metavar="FOLDER", type=Path, help="saved_models/NAME, which scripts/export.py writes"
    )
    source.add_argument("--url", metavar="URL", help="of a model on a server: http://HOST:8501/v1/models/NAME")
    source.add_argument("--grpc", metavar="HOST:8500/NAME", help="the same over gRPC")
    parser.add_argument(
        "--boxes",
        metavar="FILE",
        type=Path,
        help="CSV of regions (path,x0,y0,x1,y1 in pixels; for videos perhaps frame, from 0): only they change "
        "(default: the whole picture)",
    )
    return parser
