"""Reported numbers (ARD rows) and the query list."""
