"""Builds a data cut: what has changed is made anew, checked against contracts, and published whole or not at all."""
