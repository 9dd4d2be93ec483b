"""An analyst's desk: a built cut in Python, asked for its data, its numbers and what other rules would give."""
