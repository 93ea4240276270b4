"""Several runs side by side: what is trained for it, whose figures are better, and the page that says so."""
