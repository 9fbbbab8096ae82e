r"""Mathematics between \( \) and \[ \], a plugin for markdown-it.

Models write these at least as often as dollars, and plain Markdown would eat the backslashes and
leave a damaged formula.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

# No formula is longer; without an end to the search, many openings would cost quadratic time.
MAX_FORMULA_CHARS = 4_000


def bracket_math_plugin(md: MarkdownIt) -> None:
    """Add the rules; the tokens are those of the dollar plugin, and so is their rendering."""
    md.inline.ruler.before("escape", "math_bracket_inline", inline_rule)
    md.block.ruler.before(
        "fence", "math_bracket_block", block_rule, {"alt": ["paragraph", "reference", "blockquote"]}
    )


def inline_rule(state: StateInline, silent: bool) -> bool:
    opening = state.src[state.pos : state.pos + 2]
    if opening not in (r"\(", r"\["):
        return False
    closing = r"\)" if opening == r"\(" else r"\]"
    end = state.src.find(closing, state.pos + 2, state.pos + MAX_FORMULA_CHARS)
    if end < 0:
        return False
    content = state.src[state.pos + 2 : end].strip()
    if not content:
        return False
    if not silent:
        kind = "math_inline" if opening == r"\(" else "math_inline_double"
        token = state.push(kind, "math", 0)
        token.content = content
        token.markup = opening
    state.pos = end + 2
    return True


def block_rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    if state.is_code_block(start_line) or not line_text(state, start_line).startswith(r"\["):
        return False
    lines: list[str] = []
    for line in range(start_line, end_line):
        text = line_text(state, line)
        if line > start_line and (text == "" or state.sCount[line] < state.blkIndent):
            return False
        if line > start_line and r"\[" in text:
            return False  # another opening: whatever closes belongs to that one
        lines.append(text)
        if text.endswith(r"\]") and len("".join(lines)) >= len(r"\[x\]"):
            break
        if r"\]" in text:
            return False  # text follows the formula: the inline rule takes it
    else:
        return False
    content = "\n".join(lines)[2:-2].strip()
    if not content or r"\]" in content:
        return False
    if silent:
        return True
    state.line = start_line + len(lines)
    token = state.push("math_block", "math", 0)
    token.block = True
    token.content = content
    token.markup = r"\["
    token.map = [start_line, state.line]
    return True


def line_text(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()
