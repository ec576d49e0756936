"""Measure lists: metrics, segments, pairs of models, and the page that shows it."""
