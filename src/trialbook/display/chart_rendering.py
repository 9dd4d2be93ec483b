"""Drawing charts on pages without network: the chart library's script, and a still SVG of each chart."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Any

from trialbook.display.figures import spec_json
from trialbook.display.templates import template_text

SEAL = ".sha256"
# The sha256 of the script that each version of the package makes. What is kept of it must have this one, wherever it
# is kept and whatever is written beside it.
KNOWN = {"1.9.0.post1": "3425bd951a44d478d0505c6b5d1e8d57656b6e9a4da7bfe88a718ce61d76e572"}


def chart_script_version() -> str:
    """What the chart script depends on: cache its text under this name."""
    return f"vl-convert-{_version()}"


def known_script() -> str | None:
    """The sha256 that the chart script of the installed package has; None for a version that nobody has recorded."""
    return KNOWN.get(_version())


def _version() -> str:
    from importlib.metadata import version

    return version("vl-convert-python")


def chart_script() -> str:
    """The chart library (Vega, Vega-Lite, Vega-Embed) as one script, from the installed package.

    The same bytes for the same version of the package. It takes seconds to make, so that an environment may keep it
    (`keep_chart_script`). Raises ValueError when it must not be part of a page.
    """
    return read_sealed(_kept_script()) or _made_script()


def keep_chart_script() -> None:
    """Makes the script and keeps it inside the environment, beside the package that it is made from."""
    write_sealed(_kept_script(), _made_script())


def read_sealed(place: Path) -> str | None:
    """A kept script, only while it is that of the package; of an unknown version, the one that was written."""
    seal = place.with_suffix(SEAL)
    if place.is_file() and seal.is_file():
        script = place.read_bytes()
        if hashlib.sha256(script).hexdigest() == (known_script() or seal.read_text(encoding="ascii")):
            return script.decode("utf-8")
    return None


def write_sealed(place: Path, script: str) -> None:
    """Keeps a script with its sha256; who reads it meanwhile sees the old one or the new one."""
    content = script.encode("utf-8")
    place.parent.mkdir(parents=True, exist_ok=True)
    for path, text in (
        (place, content),
        (place.with_suffix(SEAL), hashlib.sha256(content).hexdigest().encode("ascii")),
    ):
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_bytes(text)
        os.replace(fresh, path)


def _kept_script() -> Path:
    return Path(sys.prefix) / "share" / "trialbook" / f"{chart_script_version()}.js"


def _made_script() -> str:
    import vl_convert

    converter: Any = vl_convert  # its type stub asks for an argument that has a default
    script = str(converter.javascript_bundle())
    if re.search(r"</script|<!--|\r", script, re.IGNORECASE):
        raise ValueError("the chart library holds text that would end its script element early")
    return script


def draw_script() -> str:
    """Our own few lines that draw every chart of a page."""
    return template_text("draw.js")


def csp_hash(script: str) -> str:
    """The source expression of a Content-Security-Policy that admits exactly this script."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii") + "'"


def still_svg(spec: dict[str, Any], name: str) -> str:
    """The chart as SVG, the same bytes on every run; `name` makes its gradient ids those of one figure.

    Nothing is fetched: addresses in a specification have been refused, and the converter is allowed none.
    """
    import vl_convert

    svg = str(vl_convert.vegalite_to_svg(spec_json(spec), vl_version=vegalite_version(spec), allowed_base_urls=[]))
    # The converter counts gradients per process.
    found = list(dict.fromkeys(re.findall(r'id="((?:gradient|clip|pattern)_?\d+)"', svg)))
    for position, old in enumerate(found, 1):
        svg = re.sub(rf"\b{old}\b", f"{name}-g{position}", svg)
    return svg


def vegalite_version(spec: dict[str, Any]) -> str:
    """The version to convert a specification with: the one that its schema names, or the newest of the same major."""
    import vl_convert

    known = [str(version) for version in vl_convert.get_vegalite_versions()]
    asked = re.search(r"/v(\d+)\.(\d+)", str(spec.get("$schema", "")))
    if asked is None:
        return known[-1]
    exact, major = f"{asked[1]}.{asked[2]}", f"{asked[1]}."
    return exact if exact in known else [version for version in known if version.startswith(major)][-1]


# Marks that are one element for many rows; and about how many elements the axes of one small panel are.
ONE_FOR_ALL, PANEL = ("line", "area", "trail"), 40


def chart_size(spec: dict[str, Any]) -> tuple[int, int]:
    """About how many marks a chart draws, and about how high it is in pixels: 0 where that is not said.

    >>> rows = [{"SUBJECT": "001"}, {"SUBJECT": "002"}, {"SUBJECT": "002"}]
    >>> bars = {"data": {"name": "one"}, "mark": {"type": "bar"}, "encoding": {"y": {"field": "SUBJECT"}}}
    >>> chart_size({"datasets": {"one": rows}, "layer": [bars, {**bars, "mark": "line"}], "height": {"step": 16}})
    (4, 32)
    """
    data = {name: rows for name, rows in spec.get("datasets", {}).items() if isinstance(rows, list)}
    height = spec.get("height")
    if isinstance(height, dict):
        field = _row_field(spec)
        steps = max((len({str(row.get(field)) for row in rows}) for rows in data.values()), default=0)
        height = steps * float(height.get("step", 0))
    return _marks(spec, data, []), round(height) if isinstance(height, (int, float)) else 0


def _marks(node: Any, data: dict[str, list[Any]], rows: list[Any]) -> int:
    """The marks of a chart and of those inside it; `rows` are the data of the chart around it."""
    own = node.get("data") or {}
    rows = data.get(own.get("name", ""), own.get("values", [])) if own else rows
    drawn = 0
    if "mark" in node:
        mark = node["mark"] if isinstance(node["mark"], dict) else {"type": node["mark"]}
        drawn = len(rows) if mark.get("type") not in ONE_FOR_ALL or mark.get("point") else 1
    if isinstance(node.get("facet"), dict):
        fields = [
            one["field"] for one in (node["facet"], *node["facet"].values()) if isinstance(one, dict) and "field" in one
        ]
        drawn += PANEL * len({tuple(str(row.get(field)) for field in fields) for row in rows})
    inside = [*node.get("layer", []), *node.get("concat", []), *node.get("hconcat", []), *node.get("vconcat", [])]
    return drawn + sum(_marks(one, data, rows) for one in [*inside, *([node["spec"]] if "spec" in node else [])])


def _row_field(node: Any) -> str | None:
    """The column that gives the rows of a chart: the first one that a vertical place is encoded by."""
    if isinstance(node, dict):
        up = node.get("encoding", {}).get("y", {}) if isinstance(node.get("encoding"), dict) else {}
        if isinstance(up, dict) and "field" in up:
            return str(up["field"])
        return next((found for key in ("layer", "spec") if (found := _row_field(node.get(key)))), None)
    return next((found for part in node if (found := _row_field(part))), None) if isinstance(node, list) else None


def svg_size(svg: str) -> tuple[int, int]:
    """Width and height of an SVG in pixels."""
    found = re.search(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"', svg)
    if found is None:
        raise ValueError("the chart has no size")
    return round(float(found[1])), round(float(found[2]))
