"""`python -m keras_deid.cli` is the command `keras-deid`."""

from keras_deid.cli.command import PROGRAM
from keras_deid.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(prog_name=PROGRAM))
