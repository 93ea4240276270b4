"""Networks as functional graphs in which every layer is named."""
