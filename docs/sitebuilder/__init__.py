"""Builds the site of `docs/`: copies the pages, generates the reference, runs the examples, and calls Sphinx."""
