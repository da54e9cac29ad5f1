"""Trained runs on recordings of any length: events, pictures, separated sounds."""
