"""All of one subject in one view: the profile, shown in JupyterLab without network, and every record behind it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd

from trialbook.display.titled import with_title
from trialbook.explore.analysis import Source
from trialbook.explore.given import subject_given
from trialbook.explore.names import Named, no_such, public_names
from trialbook.profiles.profile import DATASETS, Profile, profiles
from trialbook.profiles.subjects import profiled_subjects

HEIGHT = 640
# Frames of a profile; a subject who was never treated has none of them.
FRAMES = ("infusions", "milestones", "steroids", "stages", "labs", "events", "drugs")


class Subject:
    """One subject of a cut: `facts`, what happened (`milestones`, `infusions`, `events`, `labs`, `stages`, `steroids`,
    `drugs`), and the subject's rows of every analysis dataset (`datasets`) and clean domain (`clean`).
    """

    def __init__(self, number: str | int, source: Source, signals: list[Mapping[str, Any]]) -> None:
        self._source, self._signals = source, signals
        adsl = source.datasets["adsl"]
        numbers = dict(zip(adsl["USUBJID"].astype("str"), adsl["SUBJID"].astype("str"), strict=True))
        self.usubjid = subject_given(number, numbers)
        self.number, found = numbers[self.usubjid], adsl[adsl["USUBJID"].eq(self.usubjid)]
        self._treated = bool(found["SAFFL"].eq("Y").iloc[0])

    @property
    def title(self) -> str:
        """Who this is, at which cut, and what makes it another than the published profile.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").subject("016").title
        'Subject 016, data cut 2025-09-30'
        """
        return self._source.title(f"Subject {self.number}")

    @cached_property
    def datasets(self) -> Named[pd.DataFrame]:
        """The subject's rows of each analysis dataset.

        >>> import trialbook
        >>> len(trialbook.cut("2025-09-30").subject("016").datasets["adsl"])
        1
        """
        return Named(
            "dataset", self._source.datasets, lambda name: self._own(self._source.datasets[name]), str.lower, kept=False
        )

    @cached_property
    def clean(self) -> Named[pd.DataFrame]:
        """The subject's records of each clean domain.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").subject("016").clean["DM"]["SUBJID"].tolist()
        ['016']
        """
        domains = self._source.study.domains
        return Named("clean domain", domains, lambda code: self._own(domains[code]), str.upper, kept=False)

    def _own(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["USUBJID"].eq(self.usubjid)].reset_index(drop=True) if "USUBJID" in frame else frame.head(0)

    @cached_property
    def profile(self) -> Profile | None:
        """The content of the profile page; None for a subject without one, to whom nothing was infused.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").subject("002").profile is None
        True
        """
        if not self._treated or self.number not in profiled_subjects(self._source.datasets["adsl"]):
            return None
        data = {name: self.datasets[name] if name in self.datasets else pd.DataFrame() for name in DATASETS}
        return profiles(data, self._source.study)[0]

    @property
    def facts(self) -> pd.DataFrame:
        """The key facts: fact, value, note.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").subject("002").facts["fact"].iloc[0]
        'Never treated'
        """
        if self.profile is not None:
            return pd.DataFrame(self.profile.facts, columns=["fact", "value", "note"])
        row = self.datasets["adsl"].iloc[0]
        adie = self.datasets["adie"]
        failed = adie.loc[adie["RESULT"].isin(["FAIL", "ATT-FAIL"]), "CRITCD"]
        consent = "" if pd.isna(row["RFICDT"]) else f"{row['RFICDT']:%Y-%m-%d}"
        facts = [
            ("Never treated", str(row["DCSREAS"] or row["EOSSTT"]).lower(), ""),
            ("Planned level", str(row["TRT01P"]), ""), ("Consent", consent, ""),
            ("Age, sex", ", ".join(str(row[name]) for name in ("AGE", "SEX") if pd.notna(row[name])), ""),
            ("Criteria not met", ", ".join(failed), ""),
        ]  # fmt: skip
        return pd.DataFrame([fact for fact in facts if fact[1]], columns=["fact", "value", "note"])

    @property
    def signals(self) -> pd.DataFrame:
        """What a committee must look at first of this subject: severity, sentence.

        They are those of the published set: under other keys nothing derives them again.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").subject("016").signals.columns.tolist()
        ['severity', 'sentence']
        """
        own = [(one["severity"], one["sentence"]) for one in self._signals if one["subject"] == self.number]
        found = pd.DataFrame(own, columns=["severity", "sentence"], dtype="str")
        return with_title(found, self._source.beside(f"Signals of subject {self.number}")) if self._mark else found

    @property
    def _mark(self) -> str:
        """What is said above the signals under other keys."""
        return f"Signals of the published set, not derived again {self._source.keys}:" if self._source.keys else ""

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in FRAMES:
            raise no_such("part of a subject", name, dir(self))
        found = getattr(self.profile, name, None)
        return pd.DataFrame() if found is None else found

    def __dir__(self) -> list[str]:
        return sorted([*public_names(self), *FRAMES, "number", "usubjid"])

    def __repr__(self) -> str:
        facts = [f"  {row.fact}: {row.value}{f' ({row.note})' if row.note else ''}" for row in self.facts.itertuples()]
        told = [f"  {severity}: {sentence}" for severity, sentence in self.signals.itertuples(index=False)]
        told = [f"  {self._mark}", *told] if self._mark and told else told
        happened = [
            f"  {row.DATE:%Y-%m-%d} (day {row.DAY}): {row.EVENT} {row.SAID}".rstrip()
            for row in (self.profile.milestones.itertuples() if self.profile is not None else ())
            if pd.notna(row.DATE)
        ]
        return "\n".join([self.title, *facts, *told, *happened])

    def _repr_html_(self) -> str:
        """The profile in a frame of its own, so that its style stays in it; it loads nothing."""
        from trialbook.display.profile import profile_content
        from trialbook.display.theme import PAGE_CSS

        told = "".join(
            f"<li><strong>{escape(severity)}.</strong> {escape(sentence)}</li>"
            for severity, sentence in self.signals.itertuples(index=False)
        )
        above = f"<p>{escape(self._mark)}</p>" if self._mark and told else ""
        signals = f'{above}<ul class="signals">{told}</ul>' if told else ""
        if self.profile is None:
            body = self.facts.to_html(index=False, na_rep="") + signals
        else:
            content = profile_content(self.profile)
            body = content.facts + signals
            for part in content.sections:
                notes = "".join(f'<p class="tb tb-note">{escape(note)}</p>' for note in part.notes)
                picture = f'<div class="chart profile">{part.picture}</div>' if part.picture else ""
                body += f"<h2>{escape(part.title)}</h2>{picture}{notes}{part.tables}"
        page = (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
            f"<title>{escape(self.title)}</title><style>{PAGE_CSS}</style></head>"
            f"<body><main><h1>{escape(self.title)}</h1>{body}</main></body></html>"
        )
        return (
            f'<iframe title="{escape(self.title)}" srcdoc="{escape(page)}" '
            f'style="width:100%;height:{HEIGHT}px;border:1px solid currentColor;resize:vertical"></iframe>'
        )
