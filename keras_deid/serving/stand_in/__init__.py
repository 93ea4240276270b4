"""A local stand-in for TensorFlow Serving's REST interface, for trying out and for tests."""
