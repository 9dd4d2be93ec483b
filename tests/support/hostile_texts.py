"""Texts that data could attack a page, a chart, a file or a reader with: a corpus for whole builds."""

from __future__ import annotations

from support.page_samples import PAYLOADS, run


def _on(name: str) -> str:
    return run(name)


MORE = {
    # markup that runs something
    "script with source": '<script src="https://example.invalid/x.js"></script>',
    "upper-case script": f"<SCRIPT>{_on('upper-case script')}</SCRIPT>",
    "split script": f"<scr<script>ipt>{_on('split script')}</scr</script>ipt>",
    "script without end": f"<script>{_on('script without end')}//",
    "module script": f'<script type="module">{_on("module script")}</script>',
    "json script end": f"</script ><script >{_on('json script end')}</script >",
    "title end": f"</title></head><body onload='{_on('title end')}'>",
    "textarea end": f"</textarea><script>{_on('textarea end')}</script>",
    "details": f"<details open ontoggle='{_on('details')}'>x</details>",
    "video": f"<video><source onerror='{_on('video')}'></video>",
    "audio": f"<audio src=x onerror='{_on('audio')}'>",
    "input": f"<input autofocus onfocus='{_on('input')}'>",
    "button": f"<button autofocus onfocus='{_on('button')}' onclick='{_on('button')}'>press</button>",
    "popover": '<div popover id="tb-1" class="tb-opened">mine</div><button popovertarget="tb-1">2</button>',
    "marquee": f"<marquee onstart='{_on('marquee')}'>x</marquee>",
    "object": '<object data="https://example.invalid/x"></object><embed src="https://example.invalid/y">',
    "math": f"<math><mtext><script>{_on('math')}</script></mtext></math>",
    "svg script": f"<svg><script>{_on('svg script')}</script></svg>",
    "svg animate": f"<svg><animate onbegin='{_on('svg animate')}' attributeName=x dur=1s>",
    "svg use": "<svg><use href='data:image/svg+xml;base64,PHN2Zz48L3N2Zz4='></svg>",
    "svg title end": f"</title></text></g></svg><img src=x onerror='{_on('svg title end')}'>",
    "template tag": f"<template><script>{_on('template tag')}</script></template>",
    "table end": f"</td></tr></table><img src=x onerror='{_on('table end')}'>",
    "noscript": f"<noscript><p title='</noscript><img src=x onerror={_on('noscript')}>'></noscript>",
    "cdata": f"<![CDATA[<script>{_on('cdata')}</script>]]>",
    "processing instruction": "<?php echo 1 ?><?xml version='1.0'?>",
    "null byte entity": "&#0;&#x3C;script&#x3E;1&#x3C;/script&#x3E;",
    "double escape": "&amp;lt;script&amp;gt;",
    "attribute apostrophe": f"' onmouseover='{_on('attribute apostrophe')}' x='",
    "backtick attribute": f"` onmouseover={_on('backtick attribute')} `",
    "style attribute": "<p style='background:url(https://example.invalid/p.png)'>x</p>",
    "link tag": '<link rel=stylesheet href="https://example.invalid/a.css">',
    "javascript address": f"javascript:{_on('javascript address')}",
    "data address": "data:text/html,<script>1</script>",
    # what templates, charts and libraries could read
    "jinja": "{{ config.items() }}{% import 'os' %}{# x #}",
    "great tables unit": "{{m^2}} {{kg.m^-2}} {{:alpha:}}",
    "python format": "{0.__class__} {name!r} %(x)s %s %n",
    "vega field": "datum['AETERM'] || event.item",
    "vega expression": "'); constructor.constructor('1')(); ('",
    "vega signal": "picked_subject === 'x' || true",
    "prototype": "__proto__ constructor toString",
    "json end": '"}],"x":[{"y":"\\',
    "unicode escape": "\\u003cscript\\u003e \\x3cscript\\x3e",
    # what a spreadsheet could compute
    "formula": '=HYPERLINK("https://example.invalid","x")',
    "formula plus": "+1+cmd|' /C calc'!A0",
    "formula at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula minus": "-2+3+cmd|' /C calc'!A0",
    # text that is only difficult
    "quotation marks": "\"\"\" ''' «» „“ ‘’",
    "semicolons and commas": 'a;b,c;"d",e',
    "chinese long": "重度急性移植物抗宿主病合并感染性休克及多器官功能障碍综合征" * 4,
    "arabic": "حمى شديدة مع طفح جلدي",
    "hebrew mixed": "abc חום 123 גבוה",
    "override": "\u202dleft\u202c \u2066isolate\u2069",
    "zero width": "zero\u200bwidth\u200djoiner\ufeff",
    "combining": "Z̷̢͓͓a̵͔͗l̷̛͖g̶̗̈́ȏ̶̹",
    "emoji": "👩🏽 🩸 ☠",
    "very long words": "pneumonoultramicroscopicsilicovolcanoconiosis" * 8,
    "line separator": "one\u2028two\u2029three",
    "ampersands": "A&B &copy &lt; &#38; &nbsp;",
    "missing words": "NaN None NaT null undefined",
}
CORPUS = {**PAYLOADS, **MORE}
