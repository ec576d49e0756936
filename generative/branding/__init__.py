"""The brand kit, its versions and its logo."""
