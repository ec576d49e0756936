"""From interactions to a bundle: split, fit, evaluate, gate, keep the ledger."""
