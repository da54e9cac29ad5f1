"""One line: which paper this is."""
