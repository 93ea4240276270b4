"""The configuration of a run: typed, validated, read from YAML, written back to YAML."""

from keras_deid.config.loader import load_config
from keras_deid.config.networks import DiscriminatorConfig, GeneratorConfig, LocatorConfig, SearchConfig
from keras_deid.config.pictures import DataConfig, DeidentifyConfig, PrepareConfig, SyntheticConfig
from keras_deid.config.places import portable, shown_place
from keras_deid.config.schema import Config
from keras_deid.config.training import LossConfig, TrainingConfig

__all__ = [
    "Config",
    "DataConfig",
    "DeidentifyConfig",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "LocatorConfig",
    "LossConfig",
    "PrepareConfig",
    "SearchConfig",
    "SyntheticConfig",
    "TrainingConfig",
    "load_config",
    "portable",
    "shown_place",
]
