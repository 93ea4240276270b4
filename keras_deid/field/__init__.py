"""Field evaluation: photographs hidden as people's tools hide them, restored as `restore` does, and scored."""
