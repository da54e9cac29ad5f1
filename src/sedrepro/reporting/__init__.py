"""Tables, figures and the comparison with published numbers."""
