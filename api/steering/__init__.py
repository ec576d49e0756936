"""What steers answers: rules, placements, strategies."""
