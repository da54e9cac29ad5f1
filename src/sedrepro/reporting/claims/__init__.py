"""Claims, and what our runs say of them."""
