"""Sounds of single events out of recordings, by the masks of a trained network."""
