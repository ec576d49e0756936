"""What people did: events recorded, read back, mapped from other vocabularies, forgotten."""
