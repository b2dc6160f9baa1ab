"""Checks of the images that a slot's containers were made from, before any traffic: their Python, what they import, how they end.

Here belongs what is asked of an image in containers that are thrown away, without a network, and what is made of the answers. The
slot's own containers are looked at and never touched.
"""

from smoke.imagecheck.checking import checked
from smoke.imagecheck.engine import INSIDE
from smoke.imagecheck.findings import Finding, ImageReport, Insight, Module, Verdict, insight_of, sorted_out

__all__ = ["INSIDE", "Finding", "ImageReport", "Insight", "Module", "Verdict", "checked", "insight_of", "sorted_out"]
