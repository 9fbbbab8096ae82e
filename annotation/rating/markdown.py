"""Markdown to HTML that cannot do anything.

Every text that people read here was written by someone else: by a model, or by whoever wrote the
prompt. So nothing in it may run, load, link or disappear. markdown-it parses without HTML, which
leaves whatever looks like a tag visible as text; Pygments colours code; nh3 checks the result
against an allow-list last, so that a fault in the first two has no effect. Both responses of a
pair go through the same call.
"""

from __future__ import annotations

import html
import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import get_language, gettext
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from .allow_list import DIRECTED_TAGS, Html, is_shown_image, sanitise
from .bracket_math import bracket_math_plugin
from .visible_text import visible_text

# Longer texts are shown as they are: hostile Markdown of this size parses in about a second, and
# no page of prose comes near it.
MAX_RENDERED_CHARS = 100_000
# Each may open a link, whose end is searched for; no prose comes near it. Costs half a second.
MAX_BRACKETS = 20_000
# Longer code is shown uncoloured: some lexers need quadratic time.
MAX_HIGHLIGHTED_CHARS = 20_000
# Deeper nesting stays text; markdown-it's own recursion ends here.
MAX_NESTING = 50
# Each text is shown to several people in several pairs, so many are kept rendered: of the usual
# length, and longer ones. Either takes at most some 30 MB in a process, twice that where letters
# take two bytes.
MAX_CACHED_CHARS = 3_000
CACHED_TEXTS = 4_096
MAX_LONG_CHARS = 20_000
CACHED_LONG_TEXTS = 512

# "$5 each, or 20 for a$": an amount and words, no formula.
MONEY = re.compile(r"\d[\d.,]*\s+[^\W\d_]{2,}")
# The page heads the prompt and the responses with <h2>.
FIRST_HEADING = 3


def render_markdown(text: str, *, keep_breaks: bool = True) -> Html:
    """Render a stranger's Markdown to inert HTML.

    Parameters
    ----------
    text
        Any string, of any length; invisible characters are taken out, see `visible_text`.
    keep_breaks
        Whether a single line break is shown. It is content in a poem, an address or a short list,
        so prompts and responses keep it; instructions are wrapped by their editor.

    Returns
    -------
    Html
        Elements and classes of the allow-list only: no link, no address but `data:` images, no
        style, no script. A text above `MAX_RENDERED_CHARS` comes back as plain text.
    """
    if len(text) <= MAX_CACHED_CHARS:
        return render_cached(text, keep_breaks, get_language())
    if len(text) <= MAX_LONG_CHARS:
        return render_cached_long(text, keep_breaks, get_language())
    return render(text, keep_breaks)


def render_in(text: str, keep_breaks: bool, language: str | None) -> Html:
    """`render` in the language that is spoken now, which says what stands for an image."""
    return render(text, keep_breaks)


render_cached = lru_cache(maxsize=CACHED_TEXTS)(render_in)
render_cached_long = lru_cache(maxsize=CACHED_LONG_TEXTS)(render_in)


def render(text: str, keep_breaks: bool) -> Html:
    shown = visible_text(text)
    if len(shown) > MAX_RENDERED_CHARS or shown.count("[") > MAX_BRACKETS:
        return Html(f'<div class="plain" dir="auto">{html.escape(shown)}</div>')
    # Twice: an entity such as &#x202e; becomes its character only while parsing.
    return sanitise(visible_text(str(PARSERS[keep_breaks].render(shown))))


def name_of_target(address: str) -> str:
    """The host that an address names, or its scheme; empty for an address within the text."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return gettext("unreadable address")
    if host:
        return host
    return parts.scheme


# -- tokens ---------------------------------------------------------------------------------------


def prepare_tokens(state: StateCore) -> None:
    """Turn what the renderer needs to know into token attributes, before anything is printed."""
    outline: list[int] = []
    for token in state.tokens:
        if token.type == "heading_open":
            level = int(token.tag[1:])
            while outline and outline[-1] >= level:
                outline.pop()
            outline.append(level)
            token.tag = heading_tag(outline)
            token.attrSet("class", f"level-{level}")
        elif token.type == "heading_close":
            token.tag = heading_tag(outline)
        elif token.type in ("th_open", "td_open"):
            # Alignment comes as a style attribute, which the page's policy forbids.
            side = str(token.attrs.pop("style", "")).removeprefix("text-align:")
            if side:
                token.attrSet("class", f"align-{side}")
        if token.nesting == 1 and token.level == 0 and token.tag in DIRECTED_TAGS:
            token.attrSet("dir", "auto")
        if token.type == "bullet_list_open" and "contains-task-list" in str(token.attrGet("class")):
            token.attrSet("class", "tasks")
        if token.children:
            prepare_inline(token.children)


def heading_tag(outline: Sequence[int]) -> str:
    """Headings nest below the page's own without a gap; how large they look is their class."""
    return f"h{min(FIRST_HEADING + len(outline) - 1, 6)}"


def prepare_inline(tokens: Sequence[Token]) -> None:
    """Give each closing link the host to name, and turn money back into text."""
    open_links: list[tuple[Token, int]] = []
    for position, token in enumerate(tokens):
        if token.type == "link_open":
            open_links.append((token, position))
        elif token.type == "link_close" and open_links:
            opening, start = open_links.pop()
            address = str(opening.attrGet("href") or "")
            text = "".join(inner.content for inner in tokens[start + 1 : position])
            # An address written out names its host already.
            token.meta["host"] = "" if text.strip() == address else name_of_target(address)
        elif token.type == "math_inline" and token.markup == "$" and MONEY.match(token.content):
            token.type = "text"
            token.content = f"${token.content}$"


# -- rendering rules: each returns HTML with everything foreign escaped ---------------------------

Env = MutableMapping[str, Any]


def link_open(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    return '<span class="link">'


def link_close(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    host = str(tokens[idx].meta.get("host", ""))
    named = f' <span class="link-host">({html.escape(host)})</span>' if host else ""
    return f"</span>{named}"


def image(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    token = tokens[idx]
    source = str(token.attrGet("src") or "")
    described = self.renderInlineAsText(token.children, options, env) if token.children else ""
    if is_shown_image(source):
        return f'<img src="{html.escape(source)}" alt="{html.escape(described)}">'
    if source.startswith("data:"):
        where = gettext("too large or not readable")
    elif name := name_of_target(source):
        where = gettext("from %(host)s") % {"host": name}
    else:
        where = gettext("from an unnamed place")
    label = f": {described}" if described else ""
    note = gettext("[Image not shown, %(where)s]") % {"where": where + label}
    return f'<span class="image-note">{html.escape(note)}</span>'


def fence(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    token = tokens[idx]
    language = token.info.strip().split(maxsplit=1)[0] if token.info.strip() else ""
    label = f'<div class="code-language">{html.escape(language)}</div>' if language else ""
    body = coloured_code(token.content, language)
    return f'<div class="code-block">{label}<pre dir="ltr"><code>{body}</code></pre></div>\n'


def indented_code(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    body = html.escape(tokens[idx].content)
    return f'<div class="code-block"><pre dir="ltr"><code>{body}</code></pre></div>\n'


def coloured_code(code: str, language: str) -> str:
    """The code as escaped HTML, coloured when the language is known and the code not too long."""
    if language and len(code) <= MAX_HIGHLIGHTED_CHARS:
        try:
            lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
        except ClassNotFound:
            return html.escape(code)
        return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))
    return html.escape(code)


def task_box(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    """The only raw HTML that the parser makes is the box of a task; it becomes a sign."""
    done = 'checked="checked"' in tokens[idx].content
    sign, said = ("\u2611", gettext("done")) if done else ("\u2610", gettext("not done"))
    return f'<span class="task" role="img" aria-label="{html.escape(said)}">{sign}</span>'


def formula(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    """The formula's source, which the page typesets; without KaTeX, or if it fails, it stays."""
    token = tokens[idx]
    source = html.escape(token.content.strip())
    if token.type == "math_inline":
        return f'<span class="math">{source}</span>'
    return f'<div class="math display">{source}</div>\n'


def inline_display_formula(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    # Inside a paragraph, where a <div> would end it.
    return f'<span class="math display">{html.escape(tokens[idx].content.strip())}</span>'


def table_open(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    return '<div class="table-scroll"><table dir="auto">\n'


def table_close(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
) -> str:
    return "</table></div>\n"


def build_parser(keep_breaks: bool) -> MarkdownIt:
    parser = MarkdownIt(
        "commonmark",
        {"html": False, "breaks": keep_breaks, "linkify": False, "maxNesting": MAX_NESTING},
    )
    parser.enable(["table", "strikethrough"])
    # Spaces inside and digits outside the dollars mean money: "from $5 to $10".
    parser.use(
        dollarmath_plugin,
        allow_space=False,
        allow_digits=False,
        allow_labels=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    parser.use(bracket_math_plugin)
    parser.use(tasklists_plugin)
    parser.core.ruler.push("prepare_tokens", prepare_tokens)
    for name, rule in {
        "link_open": link_open,
        "link_close": link_close,
        "image": image,
        "fence": fence,
        "code_block": indented_code,
        "html_inline": task_box,
        "math_inline": formula,
        "math_inline_double": inline_display_formula,
        "math_block": formula,
        "table_open": table_open,
        "table_close": table_close,
    }.items():
        parser.add_render_rule(name, rule)
    return parser


PARSERS = {keep_breaks: build_parser(keep_breaks) for keep_breaks in (True, False)}
