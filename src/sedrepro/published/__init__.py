"""The printed cells, and the verdict on a value beside its print."""
