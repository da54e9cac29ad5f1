"""Predictions that were made elsewhere: reading them, matching them with labels, and what they score."""
