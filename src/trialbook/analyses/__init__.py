"""Counts, rates and survival of any frame by any group: published analyses and an analyst's own."""
