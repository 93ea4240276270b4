"""Preparing and restoring on many machines: pipelines for any runner of Apache Beam."""
