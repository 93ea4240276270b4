"""The demonstration page: a photograph in, its hidden regions restored, in a browser on this computer."""
