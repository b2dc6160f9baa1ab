"""Settings of the property tests: the machine may be slow and shared, so only the property decides."""

from hypothesis import HealthCheck, settings

settings.register_profile("crossfade", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("crossfade")
