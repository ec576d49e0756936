"""What came of the answers: who was shown what, what they did then, and what of it was caused."""
