"""Patient profiles: what happened to one treated subject, on one time axis (rulebook §8)."""
