"""Which settings PyTorch has, without PyTorch: the process that measures need not load it."""

from __future__ import annotations

from collections.abc import Mapping

from keras_deid.config import Config
from keras_deid.errors import UserError

TRAINING_WAYS = {"eager": "eager mode", "compiled": "torch.compile", "pix2pix": "Pix2Pix's order"}
"""How training is run, with names for tables; `torch.compile` translates both networks."""
RESTORING_WAYS = ("eager", "compiled")
_NETWORKS = {
    "generator.network": "resnet",
    "generator.upsampling": "transposed",
    "generator.ends": 7,
    "discriminator.conditional": False,
}


def check_settings(config: Config, further: Mapping[str, object] | None = None) -> None:
    """Refuses what `benchmarks.torch_networks` does not have.

    Args:
        config: to build both networks from.
        further: what else has to be as it is there, as `{"section.key": value}`.

    Raises:
        UserError: if a setting is another one.
    """
    received = config.model_dump()
    for key, expected in {**_NETWORKS, **(further or {})}.items():
        section, name = key.split(".")
        if received[section][name] != expected:
            raise UserError(
                f"{key}: the benchmark has it in PyTorch for {expected!r} only, received {received[section][name]!r}"
            )
    if config.generator.attention == "branch":
        raise UserError("generator.attention: the benchmark has it in PyTorch for 'between' and 'none' only")
