"""Ways to hide a face, as people's tools do it: methods, shapes, named kinds, and mixtures for training."""
