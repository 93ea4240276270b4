"""What an exported model does around its network, in TensorFlow's own operations: they are saved with it."""
