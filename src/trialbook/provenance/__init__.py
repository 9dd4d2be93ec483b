"""Whether a build is still what its manifest says, and whether its sources are still the same."""
