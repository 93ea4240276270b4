"""A trained model and a data set in, named numbers out."""
