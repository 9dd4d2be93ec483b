"""The generated pages: assumptions, criteria, analysis keys, contracts and query rules, from the objects that rule."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml

from sitebuilder.markdown import ASSUMPTION, code, escaped, page, table
from sitebuilder.query_rules import QueryRule, query_rules
from trialbook.cleaning.problems import BY_NAME, Problem
from trialbook.contracts.odcs import Contract, QualityRule, load_contracts
from trialbook.eligibility.registry import ASSUMPTIONS, CHECKS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.assumptions import assumption_register, value_text
from trialbook.protocol.criteria import Criterion
from trialbook.protocol.models import Protocol

# Where an assumption is cited: folders of the project, and the kinds of file that are read there.
USED_IN = ("src", "notebooks", "data_contracts", "params")
READ = {".py", ".ipynb", ".yaml"}
KINDS = {"raw": "as delivered", "clean": "after cleaning", "analysis": "analysis datasets", "results": "results"}
TYPES = {int: "whole number", float: "number", bool: "true or false", str: "text", NoneType: "null"}
CLASS_NAMES = {"FIX": "corrected and logged", "QUERY": "asked", "STOP": "stops the build"}


def reference_pages(root: Path, protocol: Protocol) -> dict[str, str]:
    """Every generated page by its name below the source folder of the site."""
    return {
        **_assumption_pages(root, protocol),
        **_key_pages(protocol),
        **_criterion_pages(protocol),
        **_query_pages(),
        **_contract_pages(load_contracts(root / "data_contracts")),
    }


# ----------------------------------------------------------------------------------------------------
# Assumptions


def citations(root: Path) -> dict[str, list[str]]:
    """The files that cite each assumption, relative to the project, in order."""
    found: dict[str, set[str]] = {}
    for folder in USED_IN:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in READ or ".ipynb_checkpoints" in path.parts:
                continue
            for number in ASSUMPTION.findall(path.read_text(encoding="utf-8")):
                found.setdefault(number, set()).add(path.relative_to(root).as_posix())
    return {number: sorted(files) for number, files in found.items()}


def _assumption_pages(root: Path, protocol: Protocol) -> dict[str, str]:
    register, used = assumption_register(protocol), citations(root)
    blocks = [
        "The protocol and the analysis plan of this trial are not public. What the registry entry does not say is "
        "assumed. Each assumption has a number, a default in `params/protocol.yaml` and a place in the "
        "[rulebook](rules.md). A cut file may override a key; the pages of that cut then say so.",
        f"{register['ASSUMPTION'].nunique()} assumptions.",
    ]
    for number, rows in register.groupby("ASSUMPTION", sort=False):
        lines = [f"({str(number).lower()})=\n## {number}"]
        lines += [_recorded(row, protocol) for row in rows.to_dict("records")]
        where = [name for name in used.get(str(number), []) if not name.startswith("params/")]
        nowhere = "Used through the key alone." if (rows["KIND"] == "key").any() else "Recorded in the protocol file."
        lines.append("Used in " + ", ".join(code(name) for name in where) + "." if where else nowhere)
        blocks.append("\n\n".join(lines))
    return {"assumptions.md": page("Assumptions", *blocks)}


def _recorded(row: Mapping[str, Any], protocol: Protocol) -> str:
    text = escaped(row["TEXT"])
    if row["KIND"] == "key":
        entry = protocol.analysis[row["NAME"]]
        key = f"[`{row['NAME']}`](#key-{row['NAME']})"
        return f"- {text}. Key {key}, default {code(value_text(entry.default))}. Source: {escaped(entry.source)}."
    if row["KIND"] == "criterion":
        return f"- {text}. Criterion [{row['NAME']}](#{row['NAME'].lower()})."
    if row["KIND"] == "conduct":
        return f"- {text.rstrip('.')}. Entry {code(row['NAME'])} of the protocol file."
    return f"- {text.rstrip('.')}."


# ----------------------------------------------------------------------------------------------------
# Analysis keys


def _key_pages(protocol: Protocol) -> dict[str, str]:
    blocks = [
        "Every choice of the analysis is a key of `params/protocol.yaml`. The default, its source and its assumption "
        "are in that file only. A cut file overrides a key under `overrides:`; a value of the wrong kind stops the "
        "build with the name of the key and the nearest one that exists. Some days of the rulebook (§0.1) count from "
        "the first infusion, which is day 0.",
    ]
    for key, entry in protocol.analysis.items():
        kind = Analysis.model_fields[key].annotation
        rows = [
            ["Default", code(value_text(entry.default))], ["Allowed", code(_allowed(kind))],
            ["Source", escaped(entry.source)],
            ["Assumption", escaped(entry.assumption or "none")],
        ]  # fmt: skip
        if entry.alternatives:
            others = ", ".join(code(value_text(other)) for other in entry.alternatives)
            rows.append(["Other values that the audit is looked at under", others])
        full = ""
        if isinstance(entry.default, dict | list) and len(value_text(entry.default)) < len(str(entry.default)) - 40:
            full = _yaml(entry.default)
        blocks.append(
            f"(key-{key})=\n## {key}\n\n{escaped(entry.meaning[:1].upper() + entry.meaning[1:])}.\n\n"
            + table(["", ""], rows) + (f"\n\n{full}" if full else "")
        )  # fmt: skip
    return {"reference/keys.md": page("Analysis keys", *blocks, target="key-list")}


def _allowed(kind: Any) -> str:
    """A type as the words of a parameter file."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _allowed(parts[0])
    if origin is Literal:
        return ", ".join(str(part) for part in parts)
    if origin in (list, tuple):
        return "list of " + ", ".join(dict.fromkeys(_allowed(part) for part in parts if part is not Ellipsis))
    if origin is dict:
        return f"map of {_allowed(parts[1])}"
    if origin in (UnionType, Union):
        return " or ".join(_allowed(part) for part in parts)
    return TYPES.get(kind, "map")


# ----------------------------------------------------------------------------------------------------
# Criteria


def _criterion_pages(protocol: Protocol) -> dict[str, str]:
    names = [f"criteria/{criterion.id.lower()}" for criterion in protocol.criteria]
    rows = [[f"[{c.id}](#{c.id.lower()})", escaped(c.text), escaped(c.kind), code(c.check)] for c in protocol.criteria]
    index = page(
        "Criteria",
        f"The {len(protocol.criteria)} registered criteria and how each is tested. A criterion that is split (EX04) "
        f"has one result per part: {len(protocol.audit_columns)} results per subject. Results are explained in §1.0.",
        table(["Criterion", "As registered", "Kind", "Check"], rows),
        target="criterion-list",
    )  # fmt: skip
    pages = {f"reference/{name}.md": _criterion_page(c) for name, c in zip(names, protocol.criteria, strict=True)}
    return {"reference/criteria.md": index, **pages}


def _criterion_page(criterion: Criterion) -> str:
    function = CHECKS[criterion.check]
    where = f"`{function.__module__.replace('.', '/')}.py`, function `{function.__name__}`"
    documented = (function.__doc__ or "").strip().split("\n\n")[0]
    facts = [
        ["Kind", escaped(criterion.kind)],
        ["Results", ", ".join(code(column) for column in criterion.audit_columns())],
        ["Checked by", where],
        ["Assumptions", escaped(ASSUMPTIONS.get(criterion.check, "none"))],
        ["Rule", "§1.1" if criterion.kind == "inclusion" else "§1.2"],
    ]
    others = [f"- {escaped(other.text)} ({other.assumption})" for other in criterion.alternatives]
    return page(
        criterion.id,
        f"> {escaped(criterion.text)}",
        escaped(re.sub(r"\s+", " ", documented)),
        table(["", ""], facts),
        f"Read as: {escaped(criterion.note)}." if criterion.note else "",
        f"Parameters in `params/protocol.yaml`:\n\n{_yaml(criterion.parameters)}" if criterion.parameters else "",
        "Other readings, under which the audit is looked at too:\n\n" + "\n".join(others) if others else "",
        target=criterion.id.lower(),
        of="One of the registered [criteria](#criterion-list).",
    )


def _yaml(value: Any) -> str:
    """A value as it is written in a parameter file; the loader keeps numbers as text until they are checked."""
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100)
    return "```yaml\n" + re.sub(r"'(-?[0-9]+(?:\.[0-9]+)?)'", r"\1", text) + "```"


# ----------------------------------------------------------------------------------------------------
# Query rules


def _query_pages() -> dict[str, str]:
    rules = query_rules()
    families: dict[str, list[QueryRule]] = {}
    for rule in rules:
        families.setdefault(family(rule.name), []).append(rule)
    for name in BY_NAME:
        families.setdefault(name, [])
    order = sorted(families, key=lambda name: (name not in BY_NAME, name))
    pages = {f"reference/queries/{name.lower()}.md": _family_page(name, families[name]) for name in order}
    rows = [_family_row(name, {rule.name for rule in families[name]}) for name in order]
    count = len({rule.name for rule in rules})
    index = page(
        "Query rules",
        f"{count} rules: what is corrected and logged, and what the site is asked, in English and Chinese. The forty "
        "problems of real exports (§9) come first. The rules of the data contracts that ask the site are on the pages "
        "of the [contracts](#contract-list).",
        table(["Problem", "What it is", "中文", "Rules"], rows),
        target="query-list",
    )  # fmt: skip
    return {"reference/queries.md": index, **pages}


def _family_row(name: str, names: Collection[str]) -> list[str]:
    problem = BY_NAME.get(name)
    if problem is None:
        return [f"[{name}](#queries-{name.lower()})", escaped(OTHERS[name]), "", str(len(names))]
    count = len({rule for rules in problem.rules.values() for rule in rules} | set(names))
    return [f"[{name}](#{name.lower()})", escaped(problem.english), escaped(problem.chinese), str(count)]


# Rules that belong to none of the forty problems, by the beginning of their names.
OTHERS = {
    "AE": "Adverse events", "ANSWERS": "Answers to questions", "DICTIONARY": "Dictionaries",
    "DLT": "The DLT window", "ELIG": "Eligibility", "FOLLOW": "Follow-up",
    "LB": "Laboratory results", "RECON": "The export against the files of others",
    "SAE": "Serious adverse events", "U01": "Units",
}  # fmt: skip


def family(rule: str) -> str:
    """The problem of a rule (P01 to P40), else the beginning of its name; what an assumption names is of the DLT."""
    first = rule.split("-")[0]
    return "DLT" if re.fullmatch(r"A[0-9]{2}", first) else first


def _family_page(name: str, rules: Sequence[QueryRule]) -> str:
    problem = BY_NAME.get(name)
    blocks = [_problem(problem)] if problem else [f"{escaped(OTHERS[name])}: rules beside the forty problems (§9)."]
    for rule_name, wordings in itertools.groupby(rules, key=lambda rule: rule.name):
        # Two modules may ask the same, each in the words of what it sees.
        tables = [table(["", ""], _rule_rows(rule)) for rule in wordings]
        blocks.append("\n\n".join([f"(rule-{rule_name.lower()})=\n## {rule_name}", *tables]))
    return page(
        f"{name}: {problem.english}" if problem else f"{name}: {OTHERS[name]}", *blocks,
        target=name.lower() if problem else f"queries-{name.lower()}",
        of="One group of the [query rules](#query-list).",
    )  # fmt: skip


def _rule_rows(rule: QueryRule) -> list[list[str]]:
    rows = [["English", escaped(rule.english)], ["中文", escaped(rule.chinese)], ["Class", CLASS_NAMES[rule.kind]]]
    if rule.kind == "QUERY":
        rows.append(["Severity", escaped(rule.severity or "major where the answer can change a result, else minor")])
    if rule.expected:
        rows.append(["Expected", escaped(rule.expected)])
    return [*rows, ["Field", code(rule.field)]] if rule.field else rows


def _problem(problem: Problem) -> str:
    rows = [
        ["Problem", escaped(problem.english)], ["中文", escaped(problem.chinese)],
        ["Domains", escaped(problem.domains)],
        *(
            [CLASS_NAMES[kind].capitalize(), ", ".join(code(rule) for rule in problem.rules[kind])]
            for kind in problem.classes
        ),
        ["Modules", ", ".join(code(f"trialbook.{module}") for module in problem.modules)],
        ["Rule", "§9"],
    ]  # fmt: skip
    return table(["", ""], rows)


# ----------------------------------------------------------------------------------------------------
# Contracts


def _contract_pages(contracts: Mapping[str, Contract]) -> dict[str, str]:
    rows = [
        [f"[{escaped(name)}](#contract-{name.replace('/', '-')})", escaped(c.name), str(len(c.dataset.properties)),
         str(len(c.dataset.rules))]
        for name, c in contracts.items()
    ]  # fmt: skip
    index = page(
        "Data contracts",
        "What every dataset must hold, checked as it passes from step to step. A rule of severity `critical` stops the "
        "build, `warning` asks the site, `info` is noted. The files are in `data_contracts/`.",
        table(["Dataset", "What it is", "Columns", "Rules"], rows),
        target="contract-list",
    )  # fmt: skip
    pages = {
        f"reference/contracts/{name.replace('/', '-')}.md": _contract_page(name, c) for name, c in contracts.items()
    }
    return {"reference/contracts.md": index, **pages}


def _contract_page(name: str, contract: Contract) -> str:
    kind = name.split("/")[0]
    dataset = contract.dataset
    columns = [
        [code(c.name), escaped(c.description), escaped(c.logicalType), escaped(c.custom("unit") or ""),
         "key" if c.primaryKey else "always" if c.required else "", escaped(c.codes)]
        for c in dataset.properties
    ]  # fmt: skip
    rules = [_rule_row(rule) for rule in dataset.rules]
    return page(
        f"{name}",
        f"{escaped(contract.description.purpose)}. Version {escaped(contract.version)}, {escaped(contract.status)}; "
        f"{KINDS[kind]}.",
        "## Columns",
        table(["Column", "Meaning", "Type", "Unit", "Present", "Codes"], columns),
        "## Rules",
        table(["Rule", "Severity", "What must hold", "中文"], rules) if rules else
        "None beside the types, the key and the code lists above.",
        target=f"contract-{name.replace('/', '-')}",
        of="One of the [data contracts](#contract-list).",
    )  # fmt: skip


def _rule_row(rule: QualityRule) -> list[str]:
    asked = rule.custom("askedAs")
    told = escaped(rule.description) + (f" (asked as {code(asked)})" if asked else "")
    return [code(rule.name), escaped(rule.severity), told, escaped(rule.custom("chinese"))]
