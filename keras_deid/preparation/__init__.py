"""The steps of `prepare`, from photographs to files of examples."""
