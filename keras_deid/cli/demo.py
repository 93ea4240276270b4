"""`keras-deid demo`: a page on this computer to try the restorer on a photograph."""

import threading
import webbrowser
from pathlib import Path

import click

from keras_deid.cli.arguments import RunFolder, precision_option, runtime_option
from keras_deid.cli.command import Command
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.errors import UserError
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN


@click.command("demo", cls=Command)
@click.option(
    "--run",
    metavar="RUN",
    type=RunFolder(),
    default=DEFAULT_RUN,
    show_default=True,
    help="What restores: folder of a trained run, or the name of a shipped one.",
)
@click.option(
    "--locator",
    metavar="RUN",
    type=RunFolder(),
    default=LOCATOR_RUN,
    show_default=True,
    help="What finds hidden regions: folder of a trained locator, or the name of a shipped one.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="Port of the page; 0: a free one."
)
@click.option("--open/--no-open", "opens", default=True, show_default=True, help="Open the page in the browser.")
@runtime_option
@precision_option
def main(run: Path, locator: Path, port: int, opens: bool, runtime: str, precision: str) -> int:
    """Try the restorer on a photograph, in the browser.

    The page answers this computer alone (127.0.0.1), loads nothing from the internet, and keeps nothing: photographs
    are held in memory until the command ends. Ctrl-C ends it.
    """
    start_tensorflow()
    try:
        from keras_deid.demo.engine import load_engine
        from keras_deid.demo.run import listen, page_server
        from keras_deid.restoring.runtime import choose_runtime
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing not in ("starlette", "uvicorn"):
            raise
        raise UserError(f"the page needs {missing}; install it with: pip install 'keras-deid[demo]'") from error

    with listen(port) as listening:
        engine = load_engine(run, locator, choose_runtime(runtime, precision))
        host, taken = listening.getsockname()
        address = f"http://{host}:{taken}"
        print(f"{address} restores with {engine.model.name}. Restored faces are invented. Ctrl-C ends it.", flush=True)
        if opens:
            # Some browsers keep whoever opens them waiting.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        page_server(engine).run(sockets=[listening])
    return 0
