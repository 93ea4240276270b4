"""What the pages of reports share: the template, pictures in a grid, overlays and plots."""
