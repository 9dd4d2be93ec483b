"""The parameter files as typed models: the protocol, the cut, and the assumptions register."""
