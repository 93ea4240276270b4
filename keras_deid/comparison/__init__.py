"""Several runs side by side: what has to be trained, which is better, and the page that reports it."""
