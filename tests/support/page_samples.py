"""Notebooks as a kernel would leave them, made of display objects, and the texts that data could attack a page with."""

from __future__ import annotations

from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from trialbook.display.figures import CHART_MIME, Figure
from trialbook.display.page import Frame, Link
from trialbook.protocol.models import Cut, Protocol

FIRED = "data-fired"  # the attribute of the document that says which payload ran


def run(name: str) -> str:
    """Script that leaves its name on the document."""
    return f"document.documentElement.setAttribute(`{FIRED}`,`{name}`)"


def _script(name: str) -> str:
    return f"<script>{run(name)}</script>"


PAYLOADS = {
    "script": f"{_script('script')}",
    "script end": f"</script>{_script('script end')}",
    "image": f'<img src=x onerror="{run("image")}">',
    "svg": f"<svg/onload='{run('svg')}'>",
    "attribute": f'" onmouseover="{run("attribute")}" autofocus onfocus=\'{run("attribute")}\' x=',
    "link": f'<a href="javascript:{run("link")}">x</a>',
    "refresh": '<meta http-equiv="refresh" content="0;url=https://example.invalid/">',
    "base": '<base href="https://example.invalid/"><form action="https://example.invalid/"><input name=a></form>',
    "cover": '<div style="position:fixed;inset:0;background:url(https://example.invalid/a.png)">cover</div>',
    "style end": f"</style><style>@import url(https://example.invalid/a.css)</style>{_script('style end')}",
    "comment": f"<!-->{_script('comment')}-->",
    "template": "{{ 7*7 }} {% raw %} ${7*7} {{m^2}}",
    "vega": f"'+constructor.constructor('{run('vega')}')()+'",
    "frame": f'<iframe srcdoc="<script>{run("frame")}</script>"></iframe>',
    "markdown": f"[x](javascript:{run('markdown')}) ![x](https://example.invalid/b.png)",
    "chinese": "发热性中性粒细胞减少症",
    "right to left": "\u202egnp.exe\u202c \u0645\u0631\u062d\u0628\u0627",
    "long": "x" * 500,
    "quotes": 'it\'s "so" `so` & &lt;b&gt; \\u003c',
}


def frame(protocol: Protocol, *, banner: str = "SYNTHETIC DATA", **cut: Any) -> Frame:
    """The frame of a sample page."""
    values = {"cut_id": "2025-09-30", "cut_date": "2025-09-30", "snapshot": "data/demo", "protocol": "params/p.yaml"}
    names = ("index", "01_cleaning", "02_eligibility", "03_safety", "04_dlt", "05_orr", "06_os")
    return Frame(
        study=protocol.study,
        cut=Cut(**{**values, **cut}),
        navigation=[Link(f"{name}.html", name.partition("_")[2].capitalize() or "Overview") for name in names],
        fingerprint="0123456789ab",
        banner=banner,
        assumptions="Assumptions A-01 to A-90 are listed in params/protocol.yaml.",
    )


def notebook(*items: object) -> nbformat.NotebookNode:
    """A notebook of prose (text) and code cells whose output is a display object, or MIME data as a dict."""
    cells = []
    for item in items:
        if isinstance(item, str):
            cells.append(new_markdown_cell(item))
        else:
            cells.append(new_code_cell("show()", outputs=[_output(data) for data in _bundles(item)]))
    return new_notebook(cells=cells)


def _bundles(item: Any) -> list[dict[str, Any]]:
    """What Jupyter would be given for one display object, output by output."""
    if isinstance(item, dict):
        return [item]
    if isinstance(item, Figure):
        return [item.heading._repr_mimebundle_(), item.chart_bundle(), item.folded._repr_mimebundle_()]
    return [item._repr_mimebundle_()]


def _output(data: dict[str, Any]) -> Any:
    assert CHART_MIME.endswith("+json")
    return new_output("display_data", data=data)
