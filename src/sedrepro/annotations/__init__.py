"""What a clip, an event and their labels are, and reading official label tables."""
