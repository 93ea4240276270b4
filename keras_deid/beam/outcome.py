"""How a pipeline that runs elsewhere tells the command what is wrong with the user's files: by a file."""

from __future__ import annotations

from keras_deid.beam.places import Place
from keras_deid.errors import UserError

REFUSAL = "refused.txt"


def write_refusal(out: Place, error: UserError) -> None:
    """Leaves the message for the command."""
    out.write(REFUSAL, str(error).encode("utf-8", "surrogateescape"))
    out.clear_partial()


def forget_refusal(out: Place) -> None:
    """Takes away what a pipeline has left whose command had ended before it."""
    if out.exists(REFUSAL):
        out.delete(REFUSAL)


def raise_refusal(out: Place) -> None:
    """Raises what a pipeline has left, and takes it away.

    Raises:
        UserError: if something was wrong.
    """
    if out.exists(REFUSAL):
        message = out.read(REFUSAL).decode("utf-8", "surrogateescape")
        forget_refusal(out)
        raise UserError(message)
