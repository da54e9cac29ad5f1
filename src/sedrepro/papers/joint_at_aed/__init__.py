"""Liang, Long, Li, Liang: joint weakly supervised tagging and event detection (arXiv 2103.12388)."""
