"""OpenVINO without its converter, whose import reports to Google Analytics.

The converter is not needed to read, compile and run networks, and OpenVINO loads faster without it. Import `openvino`
from this module.
"""

import sys

_CONVERTER = "openvino.tools.ovc"

if "openvino" not in sys.modules and _CONVERTER not in sys.modules:
    sys.modules[_CONVERTER] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        del sys.modules[_CONVERTER]
else:
    import openvino

__all__ = ["openvino"]
