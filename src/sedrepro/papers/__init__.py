"""The papers: one folder each, holding only what that paper has."""
