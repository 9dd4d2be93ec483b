"""Eligibility: every registered criterion tested on the data of every screened subject (ADIE)."""
