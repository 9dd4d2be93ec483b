"""Questions that need several records or domains (domain document §9), asked of the domains at the cut.

What ADSL, the deaths and the eligibility audit ask themselves (P05-P07, P10, P22, P25, P33) is not repeated here.
"""

from __future__ import annotations

from trialbook.cleaning.crosschecks import cross_questions
from trialbook.cleaning.events import event_queries
from trialbook.cleaning.exposure import exposure_queries
from trialbook.cleaning.findings import finding_queries
from trialbook.cleaning.qualifiers import qualifier_queries
from trialbook.cleaning.rescreening import rescreening_queries
from trialbook.cleaning.visits import visit_queries
from trialbook.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.results.queries import Query


def consistency_queries(domains: Domains, analysis: Analysis) -> list[Query]:
    """All questions about subjects, infusions, events and findings, for domains at the cut."""
    return [
        *rescreening_queries(domains),
        *exposure_queries(domains, analysis),
        *event_queries(domains),
        *finding_queries(domains, analysis),
        *visit_queries(domains),
        *cross_questions(domains),
        *qualifier_queries(domains),
    ]
