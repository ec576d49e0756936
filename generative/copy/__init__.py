"""Providers of words."""
