"""Numbers and ids of any ordinary form are never taken for personal data (P37)."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trialbook.core.privacy import masked, names_person

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
USUAL = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
# Ids of studies, sites, subjects and records: zeros in front, parts of fixed width.
PARTS = st.sampled_from(["{:03d}-{:03d}-{:04d}", "{:04d}-{:03d}-{:04d}", "NCT06321198-{:03d}-{:03d}-{:04d}"])
AROUND = st.sampled_from(["", "XYZ-", "CN-", "S"])


@settings(max_examples=400, deadline=None)
@given(st.one_of(FLOATS, USUAL), st.sampled_from(["%.10f", "%r", "%.15g"]))
def test_a_number_with_a_point_is_never_personal(value: float, form: str) -> None:
    text = form % value
    # A whole number of eleven digits and more may be one of a person that a program took for a decimal.
    assume(not text.lstrip("-").isdigit() and not (value.is_integer() and abs(value) >= 1e10))
    assert masked(text) == text
    assert masked(f"ALT {text} U/L") == f"ALT {text} U/L"


@settings(max_examples=300, deadline=None)
@given(PARTS, AROUND, st.integers(0, 999), st.integers(0, 999), st.integers(0, 9999))
def test_ids_of_several_parts_name_no_person(form: str, around: str, first: int, second: int, third: int) -> None:
    assert not names_person(around + form.format(first, second, third))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 999_999_999), st.integers(10, 15), st.sampled_from(["", "AE-", "E", "#"]))
def test_padded_numbers_name_no_person(number: int, width: int, around: str) -> None:
    assert not names_person(around + f"{number:0{width}d}")
