"""Settings of JupyterLab, its kernels and nbconvert, written into the environment (`python -m trialbook.lab.settings`).

They hold for every program that is started from this environment, with `make lab` or by hand: nothing that an analyst
opens, clicks or exports asks for an address outside of this machine.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

# A page of JupyterLab loads and sends nothing but from and to its own server, whatever a notebook shows in it.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self' data: blob:",
        "object-src 'self' blob:",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)
EXPORT = {
    "TemplateExporter": {"preprocessors": ["trialbook.lab.export.ChartsAsPictures"]},
    # Of themselves these are addresses of a public network, in every exported page.
    "HTMLExporter": {"require_js_url": "", "jquery_url": "", "mathjax_url": ""},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "etc/jupyter/jupyter_server_config.json": {
        "ServerApp": {"tornado_settings": {"headers": {"Content-Security-Policy": POLICY}}},
        "FileContentsManager": {"post_save_hook": "trialbook.lab.saving.refresh_after_save"},
        **EXPORT,
    },
    "etc/jupyter/jupyter_lab_config.json": {
        "LabApp": {
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "news_url": None,
            "extension_manager": "readonly",
        }
    },
    "etc/jupyter/jupyter_nbconvert_config.json": EXPORT,
    "etc/jupyter/labconfig/page_config.json": {
        "disabledExtensions": {
            "@jupyterlab/apputils-extension:announcements": True,
            "@jupyterlab/extensionmanager-extension:plugin": True,
        }
    },
    "etc/jupyter/labconfig/default_setting_overrides.json": {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    },
    "etc/ipython/ipython_kernel_config.json": {"IPKernelApp": {"extensions": ["trialbook.display.cell_outputs"]}},
}


def write_settings(environment: Path) -> None:
    """Writes every file of settings below the folder of an environment; who reads one meanwhile sees it whole."""
    for name, settings in SETTINGS.items():
        place = environment / name
        text = json.dumps(settings, indent=1) + "\n"
        if place.is_file() and place.read_text(encoding="utf-8") == text:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, place)


if __name__ == "__main__":
    prefix = Path(sys.prefix)
    if sys.prefix == sys.base_prefix and not (prefix / "conda-meta").is_dir():
        raise SystemExit("this Python is not a virtual environment: its settings would be those of the whole machine")
    write_settings(prefix)
