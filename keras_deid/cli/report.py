"""`keras-deid report`: shows where a trained run looks, in pictures and numbers."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from keras_deid.cli.arguments import PATH, RunFolder, data_option, limit_option, only_one
from keras_deid.cli.command import Command, command_line
from keras_deid.cli.progress import Bar
from keras_deid.cli.run_folder import load_run_config
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.data.split import SPLITS
from keras_deid.shipped import products_folder

METHODS = ("gradcam", "gradcam++", "layercam", "scorecam", "gates", "integrated-gradients", "occlusion")
TARGETS = ("real", "fake", "masked-patches")


@click.command("report", cls=Command)
@click.argument("runs", metavar="RUN...", type=RunFolder(), nargs=-1, required=True)
@click.option("--photos", metavar="FOLDER", type=PATH, help="Explain the faces found on these photographs.")
@data_option
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Which pictures to use.")
@limit_option
@click.option(
    "--method", type=click.Choice(METHODS), default="gradcam", show_default=True, help="How the maps are computed."
)
@click.option(
    "--target",
    "targets",
    type=click.Choice(TARGETS),
    multiple=True,
    default=("real",),
    show_default=True,
    help="The score to explain; can be given several times.",
)
@click.option(
    "--versus",
    metavar="RUN",
    type=RunFolder(),
    multiple=True,
    help="A run without CBAM to compare with; can be given several times.",
)
@click.option("--out", metavar="FOLDER", type=PATH, help="Folder to write.  [default: attention/ in the first RUN]")
def main(
    runs: Sequence[Path],
    photos: Path | None,
    data: Path | None,
    split: str,
    limit: int | None,
    method: str,
    targets: Sequence[str],
    versus: Sequence[Path],
    out: Path | None,
) -> int:
    """Show where a trained RUN looks, in pictures and numbers.

    Writes RUN/attention/: report.html (one file; open it in a browser), localisation.csv (a line for each picture,
    layer, target and control), localisation.json (means, intervals, verdicts), localisation.md (the same as tables) and
    pictures/. Several runs are seeds of one experiment: the numbers are over all of them, the gallery shows the first.
    """
    started = time.perf_counter()
    only_one({"--photos": photos, "--data": data})
    out = out or products_folder(runs[0]) / "attention"
    config = load_run_config(runs[0], prepared=data)

    start_tensorflow()
    from keras_deid.explain.explain import explain
    from keras_deid.explain.networks import load_networks
    from keras_deid.explain.pictures import load_pictures, pictures_of_folder
    from keras_deid.explain.report import summary_lines
    from keras_deid.explain.study import count_maps

    networks = load_networks(runs, versus)
    pictures = pictures_of_folder(photos, config, limit) if photos else load_pictures(config, split, limit)
    wanted = list(dict.fromkeys(targets))
    maps = count_maps(networks, len(pictures), len(wanted), method)
    with Bar("maps") as progress:
        summary = explain(
            networks,
            pictures,
            out,
            config=config,
            targets=wanted,
            method=method,
            command=command_line(),
            progress=progress,
        )
    for line in summary_lines(summary):
        print(line)
    print(f"written: {out / 'report.html'}, localisation.csv, localisation.json, localisation.md, pictures/")
    print(f"{len(pictures)} pictures, {maps} maps in {time.perf_counter() - started:.0f} s")
    return 0
