"""A voice of the shop's own: what it learns from, how it is trained, heard, kept and made live."""
