"""Make up shoppers, and say how like real ones they are."""
