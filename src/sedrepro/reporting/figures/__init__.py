"""Figures: what they store, and drawing it."""
