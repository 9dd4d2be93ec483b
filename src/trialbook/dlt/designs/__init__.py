"""One module per escalation rule; each answers `next_action(history, pending, as_of)`."""
