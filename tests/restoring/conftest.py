# The exported model that the tests of serving have, too.
from ..serving.conftest import base, generator, model, pictures, restore_alone, run  # noqa: F401
