"""Pixels: where product pictures come from and what is put behind them."""
