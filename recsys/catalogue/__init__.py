"""What can be sold: item rows, the live shelf, and the feeds they come from."""
