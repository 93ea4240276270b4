"""The attention report: targets, maps, controls, verdicts."""
