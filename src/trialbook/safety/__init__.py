"""Safety: adverse events (ADAE), laboratory grades (ADLB), events of special interest, rates (rulebook §3)."""
