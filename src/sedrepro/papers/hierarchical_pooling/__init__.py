"""He, Shen, Zhang: hierarchical pooling structure (Interspeech 2019)."""
