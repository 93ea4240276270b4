"""Restores de-identified faces with attention-guided adversarial networks.

Importing the package alone is light: TensorFlow and Keras load with the module that needs them.
"""

__version__ = "0.1.0"
