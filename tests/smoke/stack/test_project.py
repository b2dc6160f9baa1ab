"""Where a project's state and its journal are, by the address of Pulumi's backend."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from smoke.stack.project import find_project

REST = "region=eu-central-1&awssdk=v2"


@pytest.mark.parametrize(
    ("url", "bucket"),
    [
        ("", None),
        ("file:///srv/state", None),
        ("https://app.example.com", None),
        ("s3://", None),
        ("s3://states", {"bucket": "states", "prefix": ".crossfade/shop"}),
        (f"s3://states/a/b/?{REST}", {"bucket": "states", "prefix": "a/b/.crossfade/shop", "region": "eu-central-1"}),
        (
            "s3://states?endpoint=127.0.0.1:9000&disableSSL=true",
            {"bucket": "states", "prefix": ".crossfade/shop", "endpoint": "http://127.0.0.1:9000"},
        ),
        (
            "s3://states?endpoint=minio.example.com",
            {"bucket": "states", "prefix": ".crossfade/shop", "endpoint": "https://minio.example.com"},
        ),
        (
            "s3://states?endpoint=http://127.0.0.1:9000",
            {"bucket": "states", "prefix": ".crossfade/shop", "endpoint": "http://127.0.0.1:9000"},
        ),
    ],
)
def test_the_journal_lies_beside_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, bucket: Mapping[str, str] | None
) -> None:
    """In the bucket that the state is in, under a name of its own, by the same region and endpoint; of a folder, in none."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    monkeypatch.setenv("PULUMI_BACKEND_URL", url)
    found = find_project(tmp_path)
    assert (found.bucket, found.state is None) == (bucket, url.startswith(("http", "s3")))
