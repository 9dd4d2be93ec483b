"""The check between two steps: every dataset against its contract; critical stops, a warning becomes a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from trialbook.contracts.compile import Elsewhere, Rule, compile_rules
from trialbook.contracts.gx_engine import Failure, Verdict, evaluate
from trialbook.contracts.lookups import joined
from trialbook.contracts.odcs import Contract
from trialbook.core.domains import key_columns
from trialbook.core.errors import StopError
from trialbook.core.messages import msg
from trialbook.queries.query_list import Query, query
from trialbook.queries.rule_texts import Phrase, Texts

# More records than this with one cause are one question to the site, not many.
ONE_BY_ONE = 10
TEXTS = Texts("queries/texts/contracts.yaml")


Engine = Callable[[str, pd.DataFrame, list[Rule], list[str]], Verdict]


class Gate:
    """All contracts of a build, for a trial with certain endpoints.

    The engine is Great Expectations, or `evaluate_quickly` where its import would cost more than the whole look.
    """

    def __init__(
        self,
        contracts: Mapping[str, Contract],
        endpoints: list[str],
        engine: Engine = evaluate,
        keys: Mapping[str, Any] | None = None,
    ) -> None:
        self.contracts, self._endpoints, self._engine, self._keys = contracts, endpoints, engine, keys or {}

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
                suite = compile_rules(contract, kind, self._endpoints, datasets, self._keys)
                frame = joined(datasets[name], suite.lookups, datasets)
                named_by = contract.dataset.keys or ["USUBJID", *key_columns(name.upper(), frame.columns)]
                verdict = self._engine(f"{kind}/{name}", frame, suite.rules, named_by)
                for part in suite.elsewhere:
                    own = named_by if part.over.dataset == name else []
                    verdict = _with(verdict, self._check_elsewhere(f"{kind}/{name}", part, datasets, own))
                verdicts.append(replace(verdict, skipped=suite.skipped))
        return verdicts

    def _check_elsewhere(
        self, name: str, part: Elsewhere, datasets: Mapping[str, pd.DataFrame], own: list[str]
    ) -> Verdict:
        """The verdict on chosen records: those of another dataset are named by their subject and what was paired with
        it, those of the dataset itself by its key.
        """
        frame = joined(part.records, part.lookups, datasets)
        code = part.over.dataset.rpartition("/")[2].upper()
        named_by = own or ["SUBJID", "USUBJID", *key_columns(code, frame.columns), *part.over.each]
        return self._engine(name, frame, part.rules, list(dict.fromkeys(named_by)))

    def queries(self, verdicts: Iterable[Verdict]) -> list[Query]:
        """The failures of severity `warning` as questions to the site, but for those that a step asks itself."""
        return [
            entry
            for verdict in verdicts
            for failure in verdict.failures
            if failure.severity == "warning" and not failure.asked_as
            for entry in _queries(verdict, failure)
        ]


def _with(verdict: Verdict, other: Verdict) -> Verdict:
    """One verdict of two on the same dataset."""
    return replace(
        verdict, evaluated=[*verdict.evaluated, *other.evaluated], failures=[*verdict.failures, *other.failures]
    )


def stop_if_critical(
    verdicts: Iterable[Verdict], files: Mapping[str, str] | None = None, left_by: Mapping[str, str] | None = None
) -> None:
    """Raises StopError for the first critical failure, naming the file or dataset, the records and the rule.

    `files` names the delivered file of a raw dataset; `left_by` the notebook that wrote a derived one.
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
    notebook = (left_by or {}).get(verdict.dataset, "")
    raise StopError(
        f"the contract {verdict.dataset} does not hold: {failure.description}{where}{more}",
        file=file, row=rows, column=failure.column or None, rule=failure.rule,
        next_step=_look_in(notebook) if notebook else "correct the data at the source, then build again",
    )  # fmt: skip


def _look_in(notebook: str) -> str:
    """The next step when what a notebook derived does not agree with what it was derived from."""
    return (
        f"look in {notebook} for a cell that leaves records out, such as a filter left over from a look at the data, "
        "or that changes an analysis key, and take it out; keys are changed under overrides in the cut file. If there "
        "is none, correct the data at the source. Then build again"
    )


def _queries(verdict: Verdict, failure: Failure) -> list[Query]:
    domain = verdict.dataset.split("/")[1].upper()
    common: dict[str, Any] = {"field": failure.column, "severity": "minor", "expected": failure.description}
    rule = Phrase(failure.description, failure.chinese or failure.description)
    if failure.count > ONE_BY_ONE or not failure.records:
        said = TEXTS.phrase("MANY-RECORDS", count=failure.count, domain=domain, rule=rule)
        return [
            query(
                failure.rule, "", domain, observed=msg("{n} records", n=failure.count), **common,
                message_en=said.english, message_zh=said.chinese,
            )
        ]  # fmt: skip
    said = TEXTS.phrase("ONE-RECORD", rule=rule, column=failure.column or TEXTS.phrase("IT"))
    return [
        query(
            failure.rule, str(record.get("USUBJID") or ""), domain, record=_key(record), **common,
            message_en=said.english, message_zh=said.chinese,
        )
        for record in failure.records
    ]  # fmt: skip


def _key(record: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in record.items() if name not in ("USUBJID", "ROW"))


def _named(record: Mapping[str, object]) -> str:
    return " ".join(f"{'row' if name == 'ROW' else name} {value}" for name, value in record.items())
