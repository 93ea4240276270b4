"""Drawn street portraits: the embedded data set. It needs no download and shows no real person."""

from keras_deid.synthetic.examples import synthetic_examples
from keras_deid.synthetic.scene import Scene, draw_scene

__all__ = ["Scene", "draw_scene", "synthetic_examples"]
