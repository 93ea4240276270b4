"""Usefulness: a face detector learns from photographs that were hidden or restored, and is tried on originals."""
