"""From photographs, or drawn scenes, to batches of de-identified and original pictures."""
