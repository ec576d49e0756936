"""The commands of `python -m generative`; the parser is in `generative/__main__.py`."""
