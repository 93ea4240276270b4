"""Evaluation of trained models: metrics, tables, and the files that other commands read."""
