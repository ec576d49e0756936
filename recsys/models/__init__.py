"""Pure arrays and tensors: one paper a file."""
