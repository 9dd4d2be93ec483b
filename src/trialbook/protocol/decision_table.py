"""A site's own decision table as data: what each number of DLTs of so many evaluable subjects leads to (A-209)."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Letter = Literal["E", "S", "D", "DU"]
# From the boldest to the most cautious.
SEVERITY: dict[str, int] = {"E": 0, "S": 1, "D": 2, "DU": 3}


class DecisionTable(BaseModel):
    """The table of a protocol: `advice` has a row per number of evaluable subjects of a level, a letter per DLTs.

    E: go up, S: stay, D: go down, DU: go down and never come back. Decisions are due when `cohort` more subjects are
    evaluable: the rows are its multiples without a gap, each with the letters of 0, 1, ... DLTs. With the subjects of
    the last row a level has its full number. A table that could not be meant is refused: fewer letters than numbers of
    DLTs, a bolder letter after more DLTs, or a more cautious one after more subjects with as many DLTs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    cohort: Annotated[int, Field(ge=1, le=24)] = 3
    advice: dict[Annotated[int, Field(ge=1, le=100)], list[Letter]]
    source: Annotated[str, Field(min_length=1)] = "assumption"
    assumption: str = "A-209"

    @model_validator(mode="after")
    def _complete(self) -> DecisionTable:
        if not self.advice:
            raise ValueError("the decision table has no rows")
        expected = list(range(self.cohort, max(self.advice) + 1, self.cohort))
        missing = [n for n in expected if n not in self.advice]
        if missing:
            raise ValueError(
                f"the decision table has no row for {missing[0]} evaluable subjects (cohorts of {self.cohort})"
            )
        other = sorted(set(self.advice) - set(expected))
        if other:
            raise ValueError(
                f"the row for {other[0]} evaluable subjects is never asked for: cohorts are of {self.cohort} subjects"
            )
        for n, letters in self.advice.items():
            if len(letters) < n + 1:
                raise ValueError(f"the row for {n} evaluable subjects has no cell for {len(letters)} DLTs")
            if len(letters) > n + 1:
                raise ValueError(f"the row for {n} evaluable subjects has {len(letters)} cells for 0 to {n} DLTs")
        return self

    @model_validator(mode="after")
    def _never_bolder_after_more_dlts(self) -> DecisionTable:
        rows = sorted(self.advice.items())
        for n, letters in rows:
            if letters[0] in ("D", "DU"):
                raise ValueError(
                    f"{n} evaluable subjects: 0 DLTs lead to {letters[0]}: nothing would ever be escalated"
                )
            if letters[n] == "E":
                raise ValueError(f"{n} evaluable subjects: a DLT in each of them leads to E")
            for x, (fewer, more) in enumerate(itertools.pairwise(letters), 1):
                if SEVERITY[more] < SEVERITY[fewer]:
                    raise ValueError(f"{n} evaluable subjects: {x} DLTs lead to {more}, but {x - 1} to {fewer}")
        for (n, few), (m, many) in itertools.pairwise(rows):
            for x in range(n + 1):
                if SEVERITY[many[x]] > SEVERITY[few[x]]:
                    raise ValueError(f"{x} DLTs of {m} lead to {many[x]}, but {x} of {n} to {few[x]}")
                if SEVERITY[many[x + m - n]] < SEVERITY[few[x]]:
                    raise ValueError(
                        f"{x + m - n} DLTs of {m} lead to {many[x + m - n]}, but {x} of {n} to {few[x]}: all who came "
                        "after had a DLT"
                    )
        return self

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The letters, by number of evaluable subjects from one cohort on, and by number of DLTs from 0 on."""
        return tuple(tuple(letters) for _, letters in sorted(self.advice.items()))
