"""The sweep over ways of post-processing, reported over all papers."""
