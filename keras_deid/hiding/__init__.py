"""Ways to hide a face, as people's tools do: methods, shapes, named kinds, and a mixture for training."""
