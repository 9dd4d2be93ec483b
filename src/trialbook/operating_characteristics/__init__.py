"""How an escalation rule behaves under assumed true DLT rates: exact where small, simulated otherwise. Pure."""
