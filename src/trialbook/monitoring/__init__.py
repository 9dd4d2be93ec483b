"""Safety stopping rules of the protocol file: who had the event, and whether it has been seen too often (§4.12)."""
