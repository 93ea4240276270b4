"""The commands, one a file: each parses, loads the configuration and makes one call."""

import os

# TensorFlow reads this once, when it is first imported; Python runs this file before any module of the commands. With 2
# it writes errors only. Set the variable to see more. start_tensorflow holds back what it writes nevertheless.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
