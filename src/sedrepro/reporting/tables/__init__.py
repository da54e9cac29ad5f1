"""Tables: filled, compared, laid out, and written as csv, Markdown, HTML and LaTeX."""
