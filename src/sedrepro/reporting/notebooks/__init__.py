"""What notebooks share, and running them."""
