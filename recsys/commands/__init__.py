"""The commands of `python -m recsys`, one file a verb; the parser is in `recsys/__main__.py`."""
