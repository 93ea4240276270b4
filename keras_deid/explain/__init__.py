"""What a network looked at: targets, maps and the report."""
