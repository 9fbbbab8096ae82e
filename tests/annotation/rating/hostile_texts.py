"""Texts written for this project that try to run, load, hide or break out, by class.

In a browser a text that ran calls `window.ran` or makes a request to `REMOTE`.
"""

from __future__ import annotations

RUN = "window.ran=1"
REMOTE = "https://remote.invalid"

SCRIPTS = [
    f"<script>{RUN}</script>",
    f"<ScRiPt >{RUN}</sCrIpT>",
    f"<script/x>{RUN}</script>",
    f"<<script>{RUN}//<</script>",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f'"><script>{RUN}</script>',
    f"'-->]]>{{}}<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f'</textarea></title></style><img src=x onerror="{RUN}">',
]
HANDLERS = [
    f'<img src=x onerror="{RUN}">',
    f"<img src=x onerror={RUN}>",
    f"<img/src=x/onerror={RUN}>",
    f'<svg onload="{RUN}">',
    f'<svg><animate onbegin="{RUN}" attributeName=x dur=1s>',
    f'<body onload="{RUN}">',
    f'<details open ontoggle="{RUN}">x</details>',
    f'<input autofocus onfocus="{RUN}">',
    f'<video><source onerror="{RUN}"></video>',
    f'<div onpointerover="{RUN}">x</div>',
    f'<marquee onstart="{RUN}">x</marquee>',
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
]
ADDRESSES = [
    f"[a](javascript:{RUN})",
    f"[a](JaVaScRiPt:{RUN})",
    f"[a](java&#x0A;script:{RUN})",
    f"[a](&#106;avascript:{RUN})",
    f"[a](<javascript:{RUN}>)",
    f"[a](data:text/html,<script>{RUN}</script>)",
    f"[a](vbscript:{RUN})",
    f"<javascript:{RUN}>",
    f"[a]: javascript:{RUN}\n\n[a]",
    f"![a](javascript:{RUN})",
    f'![a](x"onerror="{RUN})',
    f'![x"onerror="{RUN}](data:image/png;base64,AAAA)',
    f'![a](<data:image/png;base64,AA"onerror="{RUN}>)',
    f'![a](data:image/svg+xml;utf8,<svg/onload="{RUN}">)',
    f'[a]({REMOTE} "onmouseover={RUN} x=\'")',
    f'<a href="javascript:{RUN}">x</a>',
    f'<base href="{REMOTE}">',
    f'<meta http-equiv="refresh" content="0;url={REMOTE}">',
]
REMOTE_LOADS = [
    f"![a]({REMOTE}/a.png)",
    f"![a][1]\n\n[1]: {REMOTE}/b.png",
    f"<img src={REMOTE}/c.png>",
    f'<img srcset="{REMOTE}/d.png 1x">',
    f"<link rel=stylesheet href={REMOTE}/e.css>",
    f"<style>@import '{REMOTE}/f.css';*{{display:none}}</style>",
    f'<p style="background:url({REMOTE}/g)">x</p>',
    f"<object data={REMOTE}/h></object><embed src={REMOTE}/i>",
    f"<form action={REMOTE}><button formaction={REMOTE}>x</button></form>",
    f"<audio src={REMOTE}/j autoplay></audio>",
    f"<portal src={REMOTE}></portal>",
]
MUTATIONS = [
    f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}>",
    f'<svg></p><style><a id="</style><img src=x onerror={RUN}>">',
    f"<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={RUN}>",
    f"<template><script>{RUN}</script></template>",
    f"<!--<img src='--><img src=x onerror={RUN}>'>",
    f"<![CDATA[<img src=x onerror={RUN}>]]>",
    f"<xmp><img src=x onerror={RUN}></xmp>",
    f"<select><style><img src=x onerror={RUN}></style></select>",
]
CLOBBERING = [
    "<img name=body><img name=getElementById>",
    "<a id=rating-settings>{}</a>",
    '<div id="questions" data-action="skip">press me</div>',
    '<input name="reason" value="other">',
]
MARKDOWN = [
    f"```\n</code></pre><img src=x onerror={RUN}>\n```",
    f'```x"><img/src=x/onerror={RUN}>\ncode\n```',
    f"`<img src=x onerror={RUN}>`",
    f"    <img src=x onerror={RUN}>",
    f"| a |\n|---|\n| <img src=x onerror={RUN}> |",
    f"# <img src=x onerror={RUN}>",
    f"- [ ] <img src=x onerror={RUN}>",
    f"$<img src=x onerror={RUN}>$",
    f"$$\n</div><img src=x onerror={RUN}>\n$$",
    f"$\\href{{javascript:{RUN}}}{{x}}$",
    f"$\\includegraphics{{{REMOTE}/k.png}}$",
    "$\\htmlStyle{position:fixed;inset:0}{x}$",
    "$\\def\\x{\\x\\x}\\x$",
    f"\\(<img src=x onerror={RUN}>\\)",
    f"[<img src=x onerror={RUN}>]({REMOTE})",
    f"[a](b 'c'onmouseover={RUN})",
]
TEMPLATES = [
    "{{ 7*7 }} ${7*7} #{7*7} <%= 7*7 %> {% debug %}",
    f"{{{{constructor.constructor('{RUN}')()}}}}",
    '"}</script>{"a":"',
    "\\u003cscript\\u003e",
    "%3Cscript%3E",
    "\uff1cscript\uff1e",
    "+ADw-script+AD4-",
    "\x00<script>\x00",
    "\ufeff<script>\u2028</script>",
]

EVERY_TEXT = [
    *SCRIPTS,
    *HANDLERS,
    *ADDRESSES,
    *REMOTE_LOADS,
    *MUTATIONS,
    *CLOBBERING,
    *MARKDOWN,
    *TEMPLATES,
]
