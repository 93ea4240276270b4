"""The commands, one a file: parse, load the configuration, make one call."""

import os

# TensorFlow reads this once, when it is first imported; Python runs this file before any module of the commands.
# 2 leaves errors; whoever wants to see more sets the variable. What it writes all the same: see start_tensorflow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
