"""What trained networks say of recordings of any length: scores, events, pictures."""
