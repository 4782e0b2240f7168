"""Charts of one feature, baseline against now, as SVG.

Altair describes a chart, vl-convert draws it in process (Vega in V8): 0.4 s for the first chart of
a process, about 20 ms for each one after, during which no other Python runs, so callers cache.
Colours are CSS variables, so that one drawing suits light and dark pages; `STYLE` defines them.
Values are user data: they enter as data of the chart, never as expressions, and come out escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import altair as alt
import vl_convert

from modelwatch.feature import FeatureProfile
from modelwatch.report.binning import Bars, numeric_bars
from modelwatch.report.category_shares import CategoryShare, category_shares, value_shares

__all__ = [
    "HEIGHT",
    "STYLE",
    "WIDTH",
    "axis",
    "configuration",
    "distribution_spec",
    "draw",
    "standalone",
]

Drawing = alt.LayerChart | alt.FacetChart

WIDTH, HEIGHT = 420, 200
"""Size of a chart in CSS pixels, axes included."""

STYLE = """
:root{--mw-reference:#c9ced6;--mw-current:#1d4ed8;--mw-axis:#5b6472;--mw-rule:#d7dbe1}
@media (prefers-color-scheme:dark){
:root{--mw-reference:#4a5260;--mw-current:#8ab4ff;--mw-axis:#a3acb9;--mw-rule:#3a414c}}
""".strip()
"""Defines the charts' colours; a page that holds them inline includes it once."""

_VEGA_LITE_VERSION = "6.1"
_SHARE_EXTENT, _LABEL_EXTENT = 40, 150
"""Room left of the axis for percentages, and at most for categories, in CSS pixels."""

_MOST_BARS = 7
"""Category bars that fill the height."""


def distribution_spec(
    reference: FeatureProfile | None, current: FeatureProfile | None
) -> str | None:
    """Describe the chart of one feature as Vega-Lite JSON, or None where there is nothing to draw.

    Equal statistics give equal text, which is what drawings are cached by.

    Args:
        reference: from the baseline's profile; None for an unexpected feature.
        current: from the window's profile; None where it holds nothing of the feature.
    """
    if reference is None:
        return None
    shares = category_shares(reference, current) or value_shares(reference, current)
    chart: Drawing | None
    if shares:
        chart = _category_chart(shares)
    else:
        bars = numeric_bars(reference, current)
        chart = _bar_chart(bars) if bars is not None else None
    if chart is None:
        return None
    return json.dumps(chart.to_dict(), sort_keys=True)


def draw(spec: str) -> str:
    """Draw a chart and return its SVG. Thread-safe; holds the interpreter for some 20 ms."""
    return vl_convert.vegalite_to_svg(
        spec, vl_version=_VEGA_LITE_VERSION, allowed_base_urls=[], show_warnings=False
    )


def standalone(svg: str) -> str:
    """Return the SVG with its colours defined inside, as an image of its own."""
    head, mark, rest = svg.partition(">")
    return f"{head}{mark}<style>{STYLE}</style>{rest}"


def _bar_chart(bars: Bars) -> Drawing:
    edges = bars.edges.tolist()
    x = alt.X(
        "value:Q",
        title=None,
        scale=alt.Scale(domain=[edges[0], edges[-1]], nice=False, zero=False),
        axis=axis(tickCount=6, labelFlush=True),
    )
    y = alt.Y(
        "share:Q",
        title=None,
        scale=alt.Scale(domainMin=0),
        axis=axis(format="%", tickCount=4, grid=True, minExtent=_SHARE_EXTENT),
    )

    def outline(shares: Sequence[float]) -> alt.Chart:
        # The last value is repeated, to close the last step.
        rows = [
            {"value": value, "share": round(share, 9)}
            for value, share in zip(edges, [*shares, shares[-1]], strict=True)
        ]
        return alt.Chart(alt.InlineData(values=rows)).encode(x=x, y=y)

    layers = [
        outline(bars.reference.tolist()).mark_area(
            color="var(--mw-reference)", interpolate="step-after"
        )
    ]
    if bars.current is not None:
        layers.append(
            outline(bars.current.tolist()).mark_line(
                color="var(--mw-current)", interpolate="step-after", strokeWidth=1.8
            )
        )
    return _sized(alt.layer(*layers))


def _category_chart(shares: Sequence[CategoryShare]) -> Drawing:
    rows = [
        {"place": place, "reference": share.reference, "current": share.current}
        for place, share in enumerate(shares)
    ]
    places = alt.Y("place:O", title=None, axis=_label_axis(shares), scale=_band_scale(len(shares)))

    def bars(field: str, band: float) -> alt.Chart:
        x = alt.X(f"{field}:Q", title=None, axis=axis(format="%", tickCount=4, grid=True))
        height = alt.RelativeBandSize(band=band)
        chart = alt.Chart(alt.InlineData(values=rows)).encode(y=places, x=x)
        drawn: alt.Chart = chart.mark_bar(color=f"var(--mw-{field})", height=height)
        return drawn

    layers = [bars("reference", 1.0)]
    if any(share.current is not None for share in shares):
        layers.append(bars("current", 0.34))
    return _sized(alt.layer(*layers))


def _label_axis(shares: Sequence[CategoryShare]) -> alt.Axis:
    # Labels are looked up by place, so that two equal labels stay two bars. The text is measured
    # with a font that the reader's browser may lack, so its width is allowed for generously.
    labels = {str(place): share.label for place, share in enumerate(shares)}
    extent = min(_LABEL_EXTENT, 12 + 8 * max(len(label) for label in labels.values()))
    return axis(
        labelExpr=f"{json.dumps(labels)}[datum.value]",
        labelLimit=_LABEL_EXTENT - 20,
        domain=False,
        labelPadding=6,
        minExtent=extent,
    )


def _band_scale(bars: int) -> alt.Scale:
    # A few bars must not grow into slabs: what they leave free goes to the outside.
    outside = max(0.1, (_MOST_BARS - bars) / 2)
    return alt.Scale(paddingInner=0.25, paddingOuter=min(1.0, outside))


def axis(**options: Any) -> alt.Axis:
    """Return an axis as all charts have it, but for these options."""
    return alt.Axis(**{"grid": False, **options})


def _sized(chart: Drawing) -> Drawing:
    sized: Drawing = chart.properties(
        width=WIDTH,
        height=HEIGHT,
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        padding=2,
    ).configure(**configuration())
    return sized


@cache
def configuration() -> Mapping[str, Any]:
    """Return fonts and colours of all charts."""
    return {
        "aria": False,
        "background": "transparent",
        "font": "system-ui, -apple-system, 'Segoe UI', sans-serif",
        "view": {"stroke": None},
        "axis": {
            "labelColor": "var(--mw-axis)",
            "labelFontSize": 11,
            "ticks": False,
            "labelPadding": 4,
            "domainColor": "var(--mw-rule)",
            "gridColor": "var(--mw-rule)",
            "gridOpacity": 0.6,
        },
    }
