"""`keras-deid figures`: draws a run's networks, and people with its maps, for print."""

from pathlib import Path

import click

from keras_deid.cli.arguments import COUNT, PATH, RunFolder, data_option, limit_option, only_one
from keras_deid.cli.command import Command
from keras_deid.cli.run_folder import load_run_config
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.data.split import SPLITS
from keras_deid.shipped import products_folder


@click.command("figures", cls=Command)
@click.argument("run", metavar="RUN", type=RunFolder())
@click.option("--photos", metavar="FOLDER", type=PATH, help="Show people on these photographs.")
@data_option
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Which pictures to use.")
@limit_option
@click.option("--rows", metavar="N", type=COUNT, default=6, show_default=True, help="How many people to show.")
@click.option("--out", metavar="FOLDER", type=PATH, help="Folder to write.  [default: figures/ in RUN]")
def main(
    run: Path, photos: Path | None, data: Path | None, split: str, limit: int | None, rows: int, out: Path | None
) -> int:
    """Draw the networks of a trained RUN, and people with its maps, for print.

    Writes RUN/figures/: network.pdf (G and D, with shapes and CBAM in its place) and people.pdf (a row for each person:
    input, restored, original, Grad-CAM at the CBAM layers), and both as PNG. The people are chosen by clothes,
    background and number of people, so that they differ; how good their maps are plays no part. With --limit, they are
    chosen from the first N pictures.
    """
    only_one({"--photos": photos, "--data": data})
    out = out or products_folder(run) / "figures"
    config = load_run_config(run, prepared=data)

    start_tensorflow()
    from keras_deid.explain.networks import load_network
    from keras_deid.explain.pictures import load_pictures, pictures_of_folder
    from keras_deid.figures.figures import NETWORK, PEOPLE, write_figures

    network = load_network(run)
    pictures = pictures_of_folder(photos, config, limit) if photos else load_pictures(config, split, limit)
    for index in write_figures(network, pictures, out, rows):
        print(f"shown: {pictures.paths[index]}")
    print(f"written: {out / NETWORK}.pdf, {NETWORK}.png, {PEOPLE}.pdf, {PEOPLE}.png")
    return 0
