"""Metrics: what is computed on which scores, with every convention in one place."""
