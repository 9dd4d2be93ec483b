"""What stands between two steps: every dataset against its contract; critical stops, a warning becomes a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pandas as pd

from trialbook.cleaning.keys import key_columns
from trialbook.contracts.lookups import joined
from trialbook.contracts.odcs import Contract
from trialbook.contracts.suites import Rule, compile_rules
from trialbook.contracts.verdicts import Failure, Verdict, evaluate
from trialbook.errors import StopError
from trialbook.results.queries import Query, query

# More records than this with one cause are one question to the site, not many.
ONE_BY_ONE = 10


Engine = Callable[[str, pd.DataFrame, list[Rule], list[str]], Verdict]


class Gate:
    """All contracts of a build, for a trial with certain endpoints.

    The engine is Great Expectations, or `evaluate_quickly` where its import would cost more than the whole look.
    """

    def __init__(self, contracts: Mapping[str, Contract], endpoints: list[str], engine: Engine = evaluate) -> None:
        self.contracts, self._endpoints, self._engine = contracts, endpoints, engine

    def check(
        self, kind: str, datasets: Mapping[str, pd.DataFrame], names: Iterable[str] | None = None
    ) -> list[Verdict]:
        """Verdicts of the named datasets (default: all) of one kind (`raw`, `clean`, `analysis`).

        `datasets` holds every dataset of that kind by lower-case name, since a rule may refer to another one. A
        dataset without a contract (a domain the trial does not use) has no verdict.
        """
        verdicts = []
        for name in datasets if names is None else names:
            contract = self.contracts.get(f"{kind}/{name}")
            if contract is not None:
                suite = compile_rules(contract, kind, self._endpoints, datasets)
                frame = joined(datasets[name], suite.lookups, datasets)
                named_by = contract.dataset.keys or ["USUBJID", *key_columns(name.upper(), frame.columns)]
                verdict = self._engine(f"{kind}/{name}", frame, suite.rules, named_by)
                verdicts.append(replace(verdict, skipped=suite.skipped))
        return verdicts

    def queries(self, verdicts: Iterable[Verdict]) -> list[Query]:
        """The failures of severity `warning` as questions to the site, but for those that a step asks itself."""
        return [
            entry
            for verdict in verdicts
            for failure in verdict.failures
            if failure.severity == "warning" and not failure.asked_as
            for entry in _queries(verdict, failure)
        ]


def stop_if_critical(verdicts: Iterable[Verdict], files: Mapping[str, str] | None = None) -> None:
    """Raises StopError for the first critical failure, naming the file or dataset, the records and the rule.

    `files` names the delivered file of a raw dataset.
    """
    critical = [(v, f) for v in verdicts for f in v.failures if f.severity == "critical"]
    if not critical:
        return
    verdict, failure = critical[0]
    more = f" ({len(critical) - 1} more critical failures)" if len(critical) > 1 else ""
    records = "; ".join(_named(record) for record in failure.records[:5])
    others = f"; and {failure.count - 5} more" if failure.count > 5 and failure.records else ""
    where = f": {failure.count} records, {records}{others}" if records else ""
    file = (files or {}).get(verdict.dataset, verdict.dataset)
    rows = ", ".join(str(record["ROW"]) for record in failure.records[:5] if "ROW" in record) or None
    raise StopError(
        f"the contract {verdict.dataset} does not hold: {failure.description}{where}{more}",
        file=file, row=rows, column=failure.column or None, rule=failure.rule,
        next_step="correct the data at the source, then build again",
    )  # fmt: skip


def _queries(verdict: Verdict, failure: Failure) -> list[Query]:
    domain = verdict.dataset.split("/")[1].upper()
    common = {"field": failure.column, "severity": "minor", "expected": failure.description}
    chinese = failure.chinese or failure.description
    if failure.count > ONE_BY_ONE or not failure.records:
        return [
            query(
                failure.rule, "", domain, observed=f"{failure.count} records", **common,
                message_en=f"{failure.count} records of {domain} do not fulfil: {failure.description}.",
                message_zh=f"{domain} 有 {failure.count} 条记录不符合要求：{chinese}。",
            )
        ]  # fmt: skip
    return [
        query(
            failure.rule, str(record.get("USUBJID") or ""), domain, record=_key(record), **common,
            message_en=f"The record does not fulfil: {failure.description}. Please check {failure.column or 'it'}.",
            message_zh=f"该记录不符合要求：{chinese}。请核对 {failure.column or '该记录'}。",
        )
        for record in failure.records
    ]  # fmt: skip


def _key(record: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in record.items() if name not in ("USUBJID", "ROW"))


def _named(record: Mapping[str, object]) -> str:
    return " ".join(f"{'row' if name == 'ROW' else name} {value}" for name, value in record.items())
