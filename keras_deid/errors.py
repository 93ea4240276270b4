"""The one exception that is meant for the person at the keyboard."""


class UserError(Exception):
    """A mistake that the user can mend: a missing file, a bad setting, a broken picture.

    The message says what is wrong, where, and how to mend it. Commands print it as one line and exit with code 2
    (see `keras_deid.cli.ending`); everything else that is raised is a bug and stays a traceback.
    """
