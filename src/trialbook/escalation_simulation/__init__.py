"""How an escalation rule behaves under assumed true DLT rates: exact where states can be enumerated, else simulated."""
