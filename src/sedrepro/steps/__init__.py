"""One module per step of the workflow, from a configuration to files on disk."""
