"""Efficacy: response (ADRS) and time to event (ADTTE)."""
