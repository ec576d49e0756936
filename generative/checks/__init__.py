"""Deterministic judges of what may be served."""
