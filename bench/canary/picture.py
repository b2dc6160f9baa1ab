"""The picture: how soon each contestant sees a fault against how often it aborts without one, as its threshold is varied."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

Points = Sequence[tuple[float, float]]
"""Pairs of the share of false aborts, 0 to 1, and the median delay in seconds."""

STYLES = ("o-", "s-", "^-", "v-", "D-", "P-", "X-", "<--", ">--", "d--", "p--", "h--")
COLOURS = (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 1, 3)
"""Places in a map of twenty colours, the strong ones first."""


def draw(curves: Mapping[str, Points], least: float, floor: float, path: Path, title: str) -> None:
    """Write the picture as SVG; the same points give the same bytes.

    Args:
        curves: by contestant, in the order of the legend.
        least: seconds that any rule needs, drawn as a line.
        floor: share of false aborts below which the runs cannot tell; what is less is drawn there.
        path: where to.
        title: what was run.
    """
    with mpl.rc_context({"svg.hashsalt": "canary", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9.5, 5.0), layout="constrained")
        axes = figure.subplots()
        axes.axhline(least, color="0.4", linestyle=":", label="least that any rule needs at 1 %")
        axes.axvline(1.0, color="0.8", linewidth=0.8)
        for number, (style, (name, points)) in enumerate(zip(STYLES, curves.items(), strict=False)):
            seen = [(100.0 * max(share, floor), delay) for share, delay in points if delay != float("inf")]
            if seen:
                width = 2.2 if number == 0 else 1.0
                axes.plot(
                    *zip(*seen, strict=True),
                    style,
                    color=mpl.colormaps["tab20"](COLOURS[number]),
                    markersize=4,
                    linewidth=width,
                    label=name,
                )
        axes.set(xscale="log", yscale="log", title=title)
        axes.set_xlabel(f"false aborts in 30 minutes, % ({100 * floor:.2g} and less at the left edge)")
        axes.set_ylabel("median delay, seconds")
        axes.grid(visible=True, color="0.92")
        figure.legend(loc="outside right upper", fontsize=8)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
