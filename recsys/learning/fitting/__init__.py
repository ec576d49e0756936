"""Fit the dense branch: steps, batches, checkpoints, teams of processes, and privacy."""
