"""The schema of a run's configuration: its sections, and which of their values fit together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic
import yaml

from keras_deid.atomic import write_text
from keras_deid.config.networks import DiscriminatorConfig, GeneratorConfig, LocatorConfig, SearchConfig
from keras_deid.config.pictures import DataConfig, DeidentifyConfig
from keras_deid.config.section import Section, Text
from keras_deid.config.training import LossConfig, TrainingConfig
from keras_deid.config.yaml_dialect import Dumper


class Config(Section):
    """The configuration of a run."""

    name: Text = "run"
    description: Text = ""
    data: DataConfig = DataConfig()
    deidentify: DeidentifyConfig = DeidentifyConfig()
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
    search: SearchConfig = SearchConfig()
    locator: LocatorConfig = LocatorConfig()

    @pydantic.model_validator(mode="after")
    def _fit_together(self) -> Config:
        network, method = self.generator.network, self.training.method
        if (network == "dcgan") != (method == "unconditional"):
            raise ValueError(
                "training.method=unconditional and generator.network=dcgan belong together, "
                f"received {method!r} and {network!r}"
            )
        if network != "resnet" and self.generator.attention != "none":
            raise ValueError(
                f"generator.attention should be none, {network!r} has no residual blocks for CBAM, received "
                f"{self.generator.attention!r}"
            )
        sides = self.data.image_size
        if network != "resnet" and (sides[0] != sides[1] or sides[0] & (sides[0] - 1)):
            raise ValueError(f"data.image_size should be a square of a power of two for {network!r}, received {sides}")
        if network == "resnet" and any(side % 2**self.generator.downsamplings for side in sides):
            raise ValueError(
                f"data.image_size should be multiples of {2**self.generator.downsamplings} for "
                f"generator.downsamplings={self.generator.downsamplings}, received {sides}"
            )
        if self.deidentify.method == "catalogue" and sides[0] != sides[1]:
            raise ValueError(f"data.image_size should be a square for deidentify.method=catalogue, received {sides}")
        if method != "paired" and self.discriminator.conditional:
            raise ValueError(f"discriminator.conditional needs pairs, training.method is {method!r}")
        return self

    def flat(self) -> dict[str, Any]:
        """Returns the values in JSON's types by dotted key, such as `generator.filters`."""
        return _flat(self.model_dump(mode="json"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the complete configuration as YAML that `load_config` reads back unchanged."""
        text = yaml.dump(self.model_dump(mode="json"), Dumper=Dumper, sort_keys=False, allow_unicode=True)
        write_text(Path(path), text)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
