"""Charts of a notebook in what nbconvert makes of it, on the command line or through JupyterLab's export menu.

nbconvert knows no charts: without this an exported page would hold their titles only. They are drawn at export, not
kept in the notebook, where each would take as much room again and every build would wait for them.
"""

from __future__ import annotations

import base64
from typing import Any

from nbconvert.preprocessors import Preprocessor

from trialbook.display.chart_rendering import still_svg
from trialbook.display.figures import CHART_MIME
from trialbook.display.text import safe


class ChartsAsPictures(Preprocessor):
    """Puts a still picture (SVG) in the place of each chart, the same bytes at every export."""

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """The cell with its charts drawn."""
        for position, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            if CHART_MIME in data:
                svg = still_svg(data.pop(CHART_MIME), f"chart-{index}-{position}")
                data["image/svg+xml"] = svg
                # A picture with words for who cannot see it, which nbconvert gives none of this kind.
                coded = base64.b64encode(svg.encode("utf-8")).decode("ascii")
                alt = safe(data.get("text/plain", "Chart"))
                data["text/html"] = f'<img alt="{alt}" src="data:image/svg+xml;base64,{coded}">'
        return cell, resources
