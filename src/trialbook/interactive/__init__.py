"""Notebooks that a person runs, in JupyterLab, under papermill or nbval: one cut, one source, and what differs."""
