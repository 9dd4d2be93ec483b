"""Builds a data cut: what has changed is rebuilt, checked against contracts, and published whole or not at all."""
