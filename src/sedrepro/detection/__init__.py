"""From scores of frames to events, and the choice of how."""
