"""Questions about the data: the query list, and the files in which people read it."""
