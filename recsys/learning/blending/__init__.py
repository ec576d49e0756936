"""Grow the other branches beside the dense one and weigh all on validation."""
