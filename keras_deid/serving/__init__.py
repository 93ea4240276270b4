"""Using a trained model: export, restore, serve."""
