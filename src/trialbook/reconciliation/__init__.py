"""The export against the files of others, by key: serious events, laboratory results, ranges, dictionaries."""

from __future__ import annotations

from trialbook.core.domains import Domains
from trialbook.protocol.models import Trial
from trialbook.queries.query_list import Query
from trialbook.reconciliation.dictionaries import coder_queries, dictionary_queries
from trialbook.reconciliation.laboratory import laboratory_queries
from trialbook.reconciliation.serious_events import serious_event_queries
from trialbook.snapshot.external import ExternalTables, read_external

__all__ = ["read_external", "reconciliation_queries"]


def reconciliation_queries(domains: Domains, external: ExternalTables, trial: Trial) -> list[Query]:
    """Everything that the files of others, as far as the cut names them, say differently from the domains at the cut,
    and what is asked about dictionaries.
    """
    rules, tables = trial.protocol.reconciliation, external.tables
    asked = [*dictionary_queries(domains, rules.dictionaries), *coder_queries(domains)]
    if "safety_database" in tables:
        asked += serious_event_queries(domains, tables["safety_database"], trial.cut_date, rules)
    if "central_laboratory" in tables:
        asked += laboratory_queries(domains, tables["central_laboratory"], trial.cut_date, rules)
    return asked
