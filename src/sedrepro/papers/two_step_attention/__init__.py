"""Deshmukh, Raj, Singh: self-supervised auxiliary task and two-step attention pooling (Interspeech 2021)."""
