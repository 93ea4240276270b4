"""What all sections of the configuration share: the types of values and the base class."""

from __future__ import annotations

from typing import Annotated, Any, Self

import pydantic

from keras_deid.config.mistakes import describe_mistake
from keras_deid.errors import UserError

PositiveInt = Annotated[int, pydantic.Field(strict=True, ge=1)]
NonNegativeInt = Annotated[int, pydantic.Field(strict=True, ge=0)]
Flag = Annotated[bool, pydantic.Field(strict=True)]
Text = Annotated[str, pydantic.Field(strict=True)]
Positive = Annotated[float, pydantic.Field(strict=True, gt=0, allow_inf_nan=False)]
Weight = Annotated[float, pydantic.Field(strict=True, ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, pydantic.Field(strict=True, ge=0, lt=1)]


class Section(pydantic.BaseModel):
    """A part of the configuration: unknown keys are mistakes, values do not change after loading."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Returns the section with these values.

        Raises:
            UserError: with a line for each mistake: name, what was expected, what was received.
        """
        try:
            return cls(**values)
        except pydantic.ValidationError as error:
            raise UserError("\n".join(describe_mistake(mistake) for mistake in error.errors())) from None
