"""Clips and their labels, the survey of what is usable, the remix, and tables and features of a paper's corpora."""
