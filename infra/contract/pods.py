"""What both sides of a cluster know of pods' numbers."""

HELD = "crossfade/least"
"""Annotation of an autoscaler whose least number a rollout raised: what it was. Meanwhile Pulumi leaves the number alone."""
