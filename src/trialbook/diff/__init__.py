"""Where two versions of a build, a file, a dataset, a notebook or a snapshot differ."""
