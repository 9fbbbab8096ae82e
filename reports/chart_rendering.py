"""Specifications → SVG that follows the page's theme, and keeps to a policy without inline style.

vl-convert draws the picture. Its colours stay as presentation attributes, so that the SVG is
complete by itself, and each gets a class, by which a style sheet replaces it in the other theme.
Everything that a reader of the whole does not need is removed: roles and labels of single marks
(the chart has one text alternative), and every attribute that could carry style or script.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import vl_convert
from django.utils.safestring import SafeString, mark_safe

from reports.charts import Chart, all_charts
from reports.charts.drawing import ROLES, Spec
from reports.models import AnalysisRun

log = logging.getLogger(__name__)

SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", SVG)

# Elements and attributes that Vega draws with. Anything else is dropped with what is in it.
ELEMENTS = frozenset(
    {"svg", "g", "path", "line", "rect", "text", "tspan", "circle", "defs", "clipPath"}
)
ATTRIBUTES = frozenset(
    {
        "class",
        "clip-path",
        "cx",
        "cy",
        "d",
        "display",
        "dx",
        "dy",
        "fill",
        "fill-opacity",
        "font-family",
        "font-size",
        "font-style",
        "font-weight",
        "height",
        "id",
        "opacity",
        "r",
        "rx",
        "ry",
        "stroke",
        "stroke-dasharray",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-miterlimit",
        "stroke-opacity",
        "stroke-width",
        "text-anchor",
        "transform",
        "viewBox",
        "width",
        "x",
        "x1",
        "x2",
        "y",
        "y1",
        "y2",
    }
)
# Characters that XML cannot hold at all.
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Reports whose pictures are kept: a page shows one, and some 200 kB of text each is no burden.
MOST_REPORTS = 16


@dataclass(frozen=True, slots=True)
class RenderedChart:
    """A chart with its pictures, ready for a template."""

    name: str
    title: str
    note: str
    description: str
    wide: SafeString
    narrow: SafeString


def render(chart: Chart) -> RenderedChart:
    """Both widths of a chart as inline SVG."""
    return RenderedChart(
        name=chart.name,
        title=chart.title,
        note=chart.note,
        description=chart.description,
        wide=_picture(chart.wide, f"{chart.name}-wide", chart),
        narrow=_picture(chart.narrow, f"{chart.name}-narrow", chart),
    )


def _picture(spec: Spec, key: str, chart: Chart) -> SafeString:
    # Rebuilt from an allow-list below, with every text and attribute escaped by the serialiser.
    return mark_safe(themed(draw(spec), key, chart))  # noqa: S308


def draw(spec: Spec) -> str:
    """The picture as vl-convert draws it. It may fetch nothing."""
    return str(vl_convert.vegalite_to_svg(_without_controls(spec), allowed_base_urls=[]))


def _without_controls(part: Any) -> Any:
    """The same specification with texts that XML can hold.

    vl-convert does not refuse other texts: it ends the whole process.
    """
    if isinstance(part, str):
        return NO_XML.sub("\ufffd", part)
    if isinstance(part, dict):
        return {name: _without_controls(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_without_controls(value) for value in part]
    return part


def themed(drawn: str, key: str, chart: Chart) -> str:
    """The drawing, cleaned, with theme classes, unique ids and its text alternative."""
    root = ElementTree.fromstring(drawn)  # noqa: S314  # our own renderer's output
    _clean(root, key)
    width, height = root.attrib["width"], root.attrib["height"]
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "chart__picture",
            "viewBox": f"0 0 {width} {height}",
            "width": width,
            "height": height,
            "role": "img",
            "aria-labelledby": f"{chart.name}-title",
            "aria-describedby": f"{key}-words",
            "focusable": "false",
        }
    )
    words = ElementTree.Element(f"{{{SVG}}}desc", {"id": f"{key}-words"})
    words.text = NO_XML.sub("\ufffd", chart.description)
    root.insert(0, words)
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element, key: str) -> None:
    for child in list(element):
        name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        if name not in ELEMENTS or child.attrib.get("display") == "none":
            element.remove(child)
        else:
            _clean(child, key)
    for name in list(element.attrib):
        if name not in ATTRIBUTES:
            del element.attrib[name]
    # Vega's own class names style nothing here.
    element.attrib.pop("class", None)
    classes = [
        f"{paint}-{ROLES[color]}"
        for paint in ("fill", "stroke")
        if (color := element.attrib.get(paint, "").lower()) in ROLES
    ]
    if classes:
        element.attrib["class"] = " ".join(classes)
    # Ids are unique in a picture; a page holds several.
    if "id" in element.attrib:
        element.attrib["id"] = f"{key}-{element.attrib['id']}"
    if "clip-path" in element.attrib:
        element.attrib["clip-path"] = element.attrib["clip-path"].replace("url(#", f"url(#{key}-")


def _drawn(kept: AnalysisRun) -> Iterator[tuple[str, RenderedChart]]:
    """The pictures of a report. One that cannot be drawn is left out: its table says the same."""
    for name, chart in all_charts(kept.result).items():
        try:
            yield name, render(chart)
        except ValueError:
            log.exception("The chart %s of the report %s could not be drawn.", name, kept.pk)


class RenderedReports:
    """The pictures of the reports shown last. A kept report never changes, nor do they."""

    def __init__(self, most: int = MOST_REPORTS) -> None:
        self._most = most
        self._kept: OrderedDict[int, dict[str, RenderedChart]] = OrderedDict()
        self._lock = threading.Lock()

    def charts_of(self, kept: AnalysisRun) -> dict[str, RenderedChart]:
        with self._lock:
            known = self._kept.get(kept.pk)
            if known is not None:
                self._kept.move_to_end(kept.pk)
                return known
        # Outside the lock: two first readers may both draw, and neither waits for the other.
        drawn = dict(_drawn(kept))
        with self._lock:
            self._kept[kept.pk] = drawn
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return drawn

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


rendered_reports = RenderedReports()
