"""Ways to change a published build or its sources, and what a look at the build must say of each."""
