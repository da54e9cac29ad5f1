"""sedrepro: reproduction suite for weakly and semi-supervised sound event detection papers."""

__version__ = "0.1.0"
