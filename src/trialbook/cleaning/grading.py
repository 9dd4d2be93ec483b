"""Whether the responses in the data are graded as the endpoint reads them: by the organs of acute GVHD."""

from __future__ import annotations

from trialbook.core.domains import Domains
from trialbook.core.errors import StopError
from trialbook.protocol.models import Protocol

ENDPOINT = "ORR_D28"
# Codes of SDTM for a response of the whole disease, and the category of the stages of acute GVHD.
RESPONSES = ("OVRLRESP", "BESTRESP", "OBJRESP", "TRGRESP", "NTRGRESP")
OF_GVHD = "MAGIC|GVH"


def check_grading(domains: Domains, protocol: Protocol, file: str) -> None:
    """Raises StopError where the response at day 28 is an endpoint and all responses that there are follow another
    grading, RECIST for example: nobody would be evaluable, and nothing would say why.
    """
    rs, fa = domains["RS"], domains["FA"]
    if not protocol.has_endpoint(ENDPOINT):
        return
    category = rs["RSCAT"].fillna("").str.upper()
    other = rs[rs["RSTESTCD"].isin(RESPONSES) & category.ne("") & ~category.str.contains(OF_GVHD)]
    of_gvhd = category.str.contains(OF_GVHD).any() or fa["FAOBJ"].fillna("GVHD").str.upper().str.contains("GVH").any()
    if other.empty or of_gvhd:
        return
    row = other.iloc[0]
    raise StopError(
        f"the responses are graded by another system, and {ENDPOINT} reads the stages of the organs of acute GVHD",
        file=file, row=int(row["SRCROW"]), column="RSCAT", value=str(row["RSCAT"]),
        next_step=f"take {ENDPOINT} out of study.endpoints and count the response in a notebook (guide: a trial of "
        "your own), or deliver the stages",
    )  # fmt: skip
