"""`history.csv`: a line an epoch."""

from __future__ import annotations

import csv
from pathlib import Path

from keras_deid.atomic import whole_file
from keras_deid.errors import UserError


class History:
    """The metrics of each finished epoch, kept in a CSV file that is whole at every moment.

    Args:
        path: the file; what it holds already is read.
        first_epoch: epochs from this one (counted from 1) on are forgotten, because they are trained again.

    Raises:
        UserError: if the file is damaged.
    """

    def __init__(self, path: Path, first_epoch: int) -> None:
        self._path = path
        self.rows: list[dict[str, float]] = []
        if path.exists():
            try:
                with path.open(newline="") as file:
                    rows = [
                        {name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)
                    ]
                self.rows = [row for row in rows if row["epoch"] < first_epoch]
            except (ValueError, KeyError, TypeError, csv.Error) as error:
                raise UserError(f"{path}: is not readable as a history of epochs; choose another run folder") from error

    def append(self, row: dict[str, float]) -> None:
        """Adds an epoch."""
        self.rows.append(row)
        with whole_file(self._path) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[-1]), lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.rows)

    def best(self, name: str) -> float:
        """Returns the largest value of a column so far; -infinity before the first epoch."""
        return max((row[name] for row in self.rows if name in row), default=float("-inf"))
