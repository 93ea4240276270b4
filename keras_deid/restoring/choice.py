"""What restores and what finds, as a user names it; opened where the work is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_deid.restoring.locate import THRESHOLD
from keras_deid.restoring.region_sources import Located
from keras_deid.restoring.runtime import Runtime, choose_runtime
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN

if TYPE_CHECKING:
    from keras_deid.restoring.model import PictureModel


@dataclass(frozen=True)
class Choice:
    """Names of a model and a locator; at most one of the first four is given.

    Attributes:
        run: trained run that restores: its folder, or the name of a shipped one.
        model: folder of an exported model.
        url: model on a server, over REST.
        grpc: model on a server, over gRPC.
        locator: trained locator: its folder, or the name of a shipped one; None: the exported model's own, else the
            shipped one.
        threshold: least score of a region; None: the default.
        runtime: what runs are run on, see `choose_runtime`.
        precision: likewise.
    """

    run: str | None = None
    model: str | None = None
    url: str | None = None
    grpc: str | None = None
    locator: str | None = None
    threshold: float | None = None
    runtime: str = "auto"
    precision: str = "auto"

    def open_runtime(self, start_tensorflow: Callable[[], None] = lambda: None) -> Runtime:
        """Chooses what runs are run on; `start_tensorflow` is called before TensorFlow is imported, if it is at all.

        Raises:
            UserError: as `choose_runtime`.
        """
        return choose_runtime(self.runtime, self.precision, start_tensorflow)

    def open_model(self, runtime: Runtime) -> PictureModel:
        """Opens what restores.

        Args:
            runtime: from `open_runtime`.

        Raises:
            UserError: if it cannot be opened.
        """
        if self.url is not None:
            from keras_deid.serving.client import RestModel

            return RestModel(self.url)
        if self.grpc is not None:
            runtime.start_tensorflow()
            from keras_deid.serving.grpc_client import GrpcModel

            return GrpcModel(self.grpc)
        if self.model is not None:
            runtime.start_tensorflow()
            from keras_deid.restoring.model import LocalModel

            return LocalModel(Path(self.model), runtime)
        from keras_deid.restoring.run_model import RunModel

        return RunModel(self.run or DEFAULT_RUN, runtime)

    def open_locator(self, model: PictureModel | None, runtime: Runtime) -> Located:
        """Opens what finds regions: the given locator, else the exported model's, else the shipped one.

        Args:
            model: what restores, if anything does.
            runtime: from `open_runtime`.

        Raises:
            UserError: if it cannot be opened.
        """
        threshold = self.threshold or THRESHOLD
        if self.locator is None and model is not None and model.mark is not None:
            return Located(model.mark, model.identity, threshold)
        from keras_deid.restoring.run_locator import RunLocator

        opened = RunLocator(self.locator or LOCATOR_RUN, runtime)
        return Located(opened.mark, opened.identity, threshold)
