"""What is run: the configuration, the settings of papers, runs and their files, and where everything lies."""
