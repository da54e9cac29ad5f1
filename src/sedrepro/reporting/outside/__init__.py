"""Systems that were trained elsewhere: beside the published rows, in the tables of results, and on the page."""
