"""Records: results worth keeping in the repository, in few and small files."""
