"""Liu, Chen, Zhang: power pooling operators and confidence learning (arXiv 2005.11459)."""
