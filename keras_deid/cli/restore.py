"""`keras-deid restore`: restores a picture, a folder, or a video."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_deid.cli.arguments import PATH, RunFolder, only_one
from keras_deid.cli.command import Command
from keras_deid.cli.progress import Bar
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.errors import UserError

if TYPE_CHECKING:
    from keras_deid.restoring.model import PictureModel

EXIT_SOME_BROKEN = 1
EXIT_TERMINATED = 143  # 128 + SIGTERM, as shells count
BAR_DELAY = 1.0  # seconds; what is done sooner needs no bar


@click.command("restore", cls=Command)
@click.argument("source", metavar="INPUT", type=PATH)
@click.option("--out", metavar="OUTPUT", type=PATH, required=True, help="A folder for a folder, else a file.")
@click.option("--run", metavar="RUN", type=RunFolder(), help="A trained run: its folder, or the name of a shipped one.")
@click.option("--model", metavar="FOLDER", type=PATH, help="An exported model, which keras-deid export writes.")
@click.option("--url", metavar="URL", help="A model on a server: http://HOST:8501/v1/models/NAME.")
@click.option("--grpc", metavar="HOST:8500/NAME", help="The same over gRPC.")
@click.option(
    "--boxes",
    metavar="CSV",
    type=PATH,
    help="Regions to restore (path,x0,y0,x1,y1 in pixels; for videos perhaps frame, from 0): only they change.  "
    "[default: the whole picture]",
)
def main(
    source: Path,
    out: Path,
    run: Path | None,
    model: Path | None,
    url: str | None,
    grpc: str | None,
    boxes: Path | None,
) -> int:
    """Restore INPUT: a picture, a video, or a folder of them.

    One of --run, --model, --url and --grpc says what restores. With --url or --grpc a server does the work, TensorFlow
    Serving or the stand-in of keras-deid serve.

    Outputs have the formats and, in a folder, the paths of their inputs, are marked as synthetic in their metadata, and
    are listed in OUTPUT/manifest.json. The same command continues where it was stopped. With --boxes only those regions
    change. The exit code is 1 if some files could not be read.
    """
    if only_one({"--run": run, "--model": model, "--url": url, "--grpc": grpc}) is None:
        raise click.UsageError("Missing one of --run, --model, --url and --grpc")
    if not source.exists():
        raise UserError(f"{source}: does not exist; give a picture, a video, or a folder of them")
    with _terminable():
        opened = _open_model(run, model, url, grpc)
        return (_restore_folder if source.is_dir() else _restore_file)(source, out, opened, boxes)


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


def _open_model(run: Path | None, model: Path | None, url: str | None, grpc: str | None) -> "PictureModel":
    if url is not None:
        from keras_deid.serving.client import RestModel

        return RestModel(url)
    start_tensorflow()
    if grpc is not None:
        from keras_deid.serving.grpc_client import GrpcModel

        return GrpcModel(grpc)
    if run is not None:
        from keras_deid.restoring.run_model import RunModel

        return RunModel(run)
    from keras_deid.restoring.model import LocalModel

    assert model is not None
    return LocalModel(model)


def _restore_file(source: Path, out: Path, model: "PictureModel", boxes: Path | None) -> int:
    from keras_deid.restoring.restore import restore_file

    target = out / source.name if out.is_dir() else out
    with Bar("pictures", delay=BAR_DELAY) as progress:
        restore_file(source, target, model, boxes=boxes, progress=progress)
    print(f"written: {target}")
    return 0


def _restore_folder(source: Path, out: Path, model: "PictureModel", boxes: Path | None) -> int:
    from keras_deid.restoring.restore import restore_folder

    with Bar("files", delay=BAR_DELAY) as progress, Bar("pictures", delay=BAR_DELAY) as of_video:
        report = restore_folder(source, out, model, boxes=boxes, progress=progress, video_progress=of_video)
    for error in report.broken:
        print(f"skipped: {error}", file=sys.stderr)
    before = f", {report.kept} were there already" if report.kept else ""
    print(f"restored: {report.restored} files{before}, {len(report.broken)} skipped; see {out}")
    return EXIT_SOME_BROKEN if report.broken else 0
