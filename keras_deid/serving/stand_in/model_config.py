"""What TensorFlow Serving's `models.config` says of a model: which of its versions are served, and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.text_format import Parse, ParseError
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig as ConfigMessage
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from keras_deid.errors import UserError


@dataclass(frozen=True)
class ModelConfig:
    """How a model is served.

    Attributes:
        latest: how many of the highest versions are served; None for all of them.
        specific: the versions that are served, whatever others there are; none for `latest`.
        labels: names of versions.
    """

    latest: int | None = 1
    specific: frozenset[int] = frozenset()
    labels: dict[str, int] = field(default_factory=dict)

    def served(self, versions: Sequence[int]) -> list[int]:
        """Returns which versions are served, of those that are there, the lowest first."""
        if self.specific:
            return sorted(self.specific & set(versions))
        return sorted(versions)[-self.latest :] if self.latest else sorted(versions)


def read_models_config(path: Path) -> dict[str, ModelConfig]:
    """Reads `models.config`; the folders in it are not looked at.

    Args:
        path: the file, a `ModelServerConfig` in protobuf's text format with a `model_config_list`.

    Returns:
        For each model's name how it is served.

    Raises:
        UserError: if the file is missing or of another form.
    """
    try:
        message = Parse(path.read_text(encoding="utf-8"), ModelServerConfig())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give --models-config a models.config") from error
    except (ParseError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: is not a models.config of TensorFlow Serving: {reason}") from error
    if not message.model_config_list.config:
        raise UserError(f"{path}: names no model; expected model_config_list {{ config {{ name: ... }} }}")
    return {config.name: _of(config) for config in message.model_config_list.config}


def _of(config: ConfigMessage) -> ModelConfig:
    policy, labels = config.model_version_policy, dict(config.version_labels)
    kind = policy.WhichOneof("policy_choice")
    if kind == "specific":
        return ModelConfig(specific=frozenset(policy.specific.versions), labels=labels)
    if kind == "all":
        return ModelConfig(latest=None, labels=labels)
    return ModelConfig(latest=policy.latest.num_versions or 1, labels=labels)
