"""Words and pictures for an item and a persona. Knows nothing of Flask, Celery or recommenders."""
