"""Responses of another grading than that of acute GVHD stop where the response at day 28 is an endpoint."""

from __future__ import annotations

import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.cleaning.grading import check_grading
from trialbook.core.errors import StopError
from trialbook.protocol.models import Protocol


def treated() -> TrialBuilder:
    return trial().subject("S01").infused(0)


def response(built: TrialBuilder, category: str | None) -> TrialBuilder:
    return built.add("RS", RSTESTCD="OVRLRESP", RSORRES="PR", RSCAT=category, RSDTC="2025-02-07", SRCROW=4)


def test_recist_beside_the_endpoint_of_gvhd_is_refused_with_what_to_do(protocol: Protocol) -> None:
    with pytest.raises(StopError, match=r"rs\.csv, row 4, column RSCAT, value 'RECIST 1\.1': .*Next: take ORR_D28"):
        check_grading(response(treated(), "RECIST 1.1").domains(), protocol, "rs.csv")


@pytest.mark.parametrize("category", ["MAGIC", "aGVHD", None])
def test_responses_of_gvhd_or_of_no_named_grading_pass(category: str | None, protocol: Protocol) -> None:
    check_grading(response(treated(), category).domains(), protocol, "rs.csv")


def test_stages_of_gvhd_beside_another_grading_and_a_trial_without_the_endpoint_pass(protocol: Protocol) -> None:
    both = response(treated().stages(0, 1, 0, 0, 2), "RECIST 1.1")
    check_grading(both.domains(), protocol, "rs.csv")
    check_grading(treated().domains(), protocol, "rs.csv")
    other = protocol.model_copy(update={"study": protocol.study.model_copy(update={"endpoints": ["TEAE"]})})
    check_grading(response(treated(), "RECIST 1.1").domains(), other, "rs.csv")
