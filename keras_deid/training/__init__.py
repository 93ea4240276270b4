"""One file a way of training, and the run that goes from a configuration to a folder of results."""
