"""Whether a build still is what its manifest says, and what it was made of still is what lies there."""
