"""Dose-limiting toxicity: candidate events, the status of each subject, the rules of dose escalation (§4)."""
