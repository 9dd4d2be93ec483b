"""Ways to change a published build or what it was made of, and what a look at the build must say of each."""
