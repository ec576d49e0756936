"""The ledger of answers: what was answered and why, kept to be continued, credited and replayed."""
