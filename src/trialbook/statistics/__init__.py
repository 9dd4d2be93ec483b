"""Plain estimators that know no trial: intervals, exact rates, Kaplan-Meier, competing risks."""
