"""The export against the files of others, by key: serious events, laboratory results, ranges, dictionaries."""

from __future__ import annotations

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.protocol.models import Trial
from trialbook.queries.query_list import Query
from trialbook.reconciliation.dictionaries import coder_queries, dictionary_queries
from trialbook.reconciliation.laboratory import laboratory_queries
from trialbook.reconciliation.serious_events import serious_event_queries
from trialbook.snapshot.external import ExternalTables, read_external

__all__ = ["read_external", "reconciliation_queries"]


def reconciliation_queries(
    domains: Domains, external: ExternalTables, trial: Trial, edits: pd.DataFrame | None = None
) -> list[Query]:  # fmt: skip
    """Everything that the files of others, as far as the cut names them, say differently from the domains at the cut,
    and what is asked about dictionaries. `edits`: what the cut has changed of the domains.
    """
    rules, tables, files = trial.protocol.reconciliation, external.tables, external.files
    asked = [*dictionary_queries(domains, rules.dictionaries), *coder_queries(domains)]
    if "safety_database" in tables:
        safety, file = tables["safety_database"], files["safety_database"]
        asked += serious_event_queries(domains, safety, trial.cut_date, rules, file, edits)
    if "central_laboratory" in tables:
        central, file = tables["central_laboratory"], files["central_laboratory"]
        asked += laboratory_queries(domains, central, trial.cut_date, rules, file)
    return asked
