"""Builds a data cut: reading, contracts, papermill, rendering, publishing. The only place that moves files."""
