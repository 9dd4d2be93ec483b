"""Questions to the site: the query list, and the files in which people read it."""
