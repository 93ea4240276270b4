"""LPIPS, FID and KID: distances in the features of networks that were trained on photographs.

They are TorchMetrics' (extra `metrics`). The networks' weights are not part of any package: the libraries download them
once, into the folder that `torch.hub` keeps. Where they cannot be had, these metrics cannot be either.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_deid.errors import UserError
from keras_deid.evaluation.metrics import SET_METRICS

if TYPE_CHECKING:
    import torch

# KID's paper takes the mean over subsets of 1000 pictures; as many pictures or fewer are one subset.
KID_SUBSET = 1000
KID_SUBSETS = 10

Perceptual = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
Features = Callable[["torch.Tensor"], "torch.Tensor"]


class LearnedMetrics:
    """Measures batches of pictures, and at the end the sets that they made up.

    Args:
        names: of `keras_deid.evaluation.metrics.LEARNED_METRICS`.
        perceptual: two float batches `(batch, 3, height, width)` in [0, 1] to distances `(batch,)`; for lpips.
        features: a uint8 batch `(batch, 3, height, width)` to floats `(batch, features)`; for fid and kid.
    """

    def __init__(
        self, names: Sequence[str], perceptual: Perceptual | None = None, features: Features | None = None
    ) -> None:
        self.names = tuple(names)
        self._perceptual = perceptual
        self._features = features
        self._of_sets: dict[str, list[torch.Tensor]] = {}

    def picture_scores(self, original: str, sources: Mapping[str, np.ndarray]) -> dict[str, list[dict[str, float]]]:
        """Measures each picture of a batch, and adds the batch to the sets.

        Args:
            original: which of the sources has the originals.
            sources: uint8 `(batch, height, width, 3)` by source.

        Returns:
            by source, for each picture `{"lpips": ...}`: 0 for identical pictures, up to about 1; nothing for the
            originals, or without lpips.
        """
        import torch

        batches = {source: torch.from_numpy(pictures).permute(0, 3, 1, 2) for source, pictures in sources.items()}
        scores: dict[str, list[dict[str, float]]] = {source: [{} for _ in batch] for source, batch in batches.items()}
        with torch.inference_mode():
            for source, batch in batches.items():
                if self._features is not None:
                    self._of_sets.setdefault(source, []).append(self._features(batch))
                if self._perceptual is not None and source != original:
                    distances = self._perceptual(batches[original] / 255, batch / 255)
                    scores[source] = [{"lpips": float(distance)} for distance in distances]
        return scores

    def set_scores(self, original: str) -> dict[str, dict[str, float | None]]:
        """Measures the set of each source against the originals.

        Args:
            original: which of the sources has the originals.

        Returns:
            by source, without the originals, those of `{"fid", "kid"}` that were requested: at least 0 (kid, without
            bias, may fall a little below), 0 for equal sets; None for fewer than two pictures.

        References:
            [Heusel et al., 2017](https://arxiv.org/abs/1706.08500), eq. 6;
            [Bińkowski et al., 2018](https://arxiv.org/abs/1801.01401), section 4.
        """
        import torch

        sets = {source: torch.cat(features).float() for source, features in self._of_sets.items()}
        measures = {"fid": fid, "kid": kid}
        return {
            source: {
                name: measures[name](sets[original], features) if len(features) > 1 else None
                for name in self.names
                if name in measures
            }
            for source, features in sets.items()
            if source != original
        }


def fid(originals: torch.Tensor, others: torch.Tensor) -> float:
    """Fréchet distance of two sets of features, float `(pictures, features)`, each taken for normally distributed."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    return float(_measured(FrechetInceptionDistance(feature=_as_they_are(originals)), originals, others))


def kid(originals: torch.Tensor, others: torch.Tensor) -> float:
    """Squared maximum mean discrepancy of two sets of features, float `(pictures, features)`, with a cubic kernel."""
    import torch
    from torchmetrics.image.kid import KernelInceptionDistance

    count = min(len(originals), len(others))
    size, subsets = (KID_SUBSET, KID_SUBSETS) if count > KID_SUBSET else (count, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it keeps the features in memory
        metric = KernelInceptionDistance(feature=_as_they_are(originals), subsets=subsets, subset_size=size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # which subsets: the same ones for every source and in every run
        mean, _ = _measured(metric, originals, others)
    return float(mean)


def load_learned_metrics(names: Sequence[str]) -> LearnedMetrics:
    """Loads the networks of the papers, downloading their weights if they are not on this machine.

    AlexNet with the linear weights of LPIPS 0.1; the Inception v3 of FID's authors (TensorFlow, 2015).

    Args:
        names: of `keras_deid.evaluation.metrics.LEARNED_METRICS`.

    Raises:
        UserError: if PyTorch or TorchMetrics is missing or does not work, or weights cannot be had.

    Reference:
        [Zhang et al., 2018](https://arxiv.org/abs/1801.03924), for LPIPS.
    """
    perceptual = _load("lpips", _alexnet) if "lpips" in names else None
    of_sets = [name for name in SET_METRICS if name in names]
    features = _load(" and ".join(of_sets), _inception) if of_sets else None
    return LearnedMetrics(names, perceptual, features)


def _load(name: str, network: Callable[[], Any]) -> Any:
    try:
        return network()
    except ImportError as error:
        reason = str(error).split(". ")[0].splitlines()[0]
        raise UserError(f"--metrics {name}: {reason}; pip install -e '.[metrics]' installs all that it needs") from None
    except OSError as error:  # urllib's, of a download that failed
        raise UserError(
            f"--metrics {name}: the weights of its network cannot be downloaded ({error}); run it once where there is "
            "a network, or copy the files from there into the folder checkpoints of TORCH_HOME/hub"
        ) from None
    except RuntimeError as error:  # of a torchvision built for another PyTorch, or a download that was cut short
        reason = str(error).splitlines()[0]
        raise UserError(
            f"--metrics {name}: its network does not load ({reason}); torch and torchvision have to fit each other, "
            "and a damaged download in TORCH_HOME/hub/checkpoints has to be deleted"
        ) from None


def _alexnet() -> Perceptual:
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    lpips = LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True, reduction="none")

    def distances(originals: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        lpips.reset()
        return lpips(originals, others).reshape(-1)

    return distances


def _inception() -> Features:
    from torchmetrics.image.fid import FrechetInceptionDistance

    return FrechetInceptionDistance(feature=2048).inception


def _as_they_are(features: torch.Tensor) -> torch.nn.Module:
    """A network for TorchMetrics that takes features for pictures: Inception has seen each picture already."""
    import torch

    identity = torch.nn.Identity()
    identity.num_features = features.shape[1]
    return identity


def _measured(metric: Any, originals: torch.Tensor, others: torch.Tensor) -> Any:
    metric.update(originals, real=True)
    metric.update(others, real=False)
    return metric.compute()
