"""Layout compiled from HTML, measured and repaired."""
