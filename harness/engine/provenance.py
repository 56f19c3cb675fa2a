"""Digests: of files, of rows, of records, and of the environment."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import rfc8785

_PACKAGES = (
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "fairlearn",
    "shap",
    "skops",
    "pydantic",
    "torch",
    "transformers",
    "onnxruntime",
)

DIGEST_VERSION = 2
# Saved predictions are a file of the run (Parquet names its writer's version); `digest` covers them.
_NOT_MEASURED = frozenset(
    {
        *("digest", "evidence_digest", "digest_version", "started", "seconds", "environment", "predictions", "usage"),
        *("policy", "verdict", "earlier_audits", "rejudged_from", "warnings", "row_hashes"),
    }
)


def sha256_bytes(content: bytes) -> str:
    """The digest of bytes, with its algorithm."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_folder(folder: Path) -> str:
    """The digest of a folder: of the names and digests of its files (hidden ones apart), sorted."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    return sha256_texts(f"{p.relative_to(folder).as_posix()} {sha256_file(p)}" for p in files)


def sha256_texts(texts: Iterable[str]) -> str:
    """The digest of a list of texts, in order."""
    return sha256_bytes(rfc8785.dumps(list(texts)))


def record_digest(record: dict[str, Any]) -> str:
    """The digest of a record's canonical JSON (RFC 8785) without its own `digest`."""
    return sha256_bytes(rfc8785.dumps({key: value for key, value in record.items() if key != "digest"}))


def evidence_digest(record: dict[str, Any]) -> str:
    """The digest of what an audit measured: two audits of the same model, suite and data share it.

    It leaves out seconds, start time, environment, usage, paths and efficiency values, where the record came from
    (`earlier_audits`, `rejudged_from`), warnings, and how the findings were judged (policy and verdict): a second policy keeps it.
    A record without `digest_version` is of the first definition, which covers policy and verdict but for the day of judging.
    """
    kept = {key: value for key, value in record.items() if key not in _NOT_MEASURED}
    if record.get("digest_version", 1) == 1:
        kept["policy"] = record["policy"]
        kept["verdict"] = {key: value for key, value in record["verdict"].items() if key != "judged_on"}
    for part in ("suite", "model"):
        kept[part] = {key: value for key, value in record[part].items() if key != "uri"}
    kept["records"] = [
        {key: value for key, value in item.items() if key != "seconds"}
        for item in record["records"]
        if not item["check"].startswith("efficiency.")
    ]
    return sha256_bytes(rfc8785.dumps(kept))


def comparison_digest(record: dict[str, Any]) -> str:
    """The digest of what a comparison found: without seconds, start time, environment, usage, cost and latency."""
    dropped = {
        "digest",
        "evidence_digest",
        "started",
        "seconds",
        "environment",
        "not_compared",
        "warnings",
        "row_hashes",
    }
    kept = {key: value for key, value in record.items() if key not in dropped}
    own = ("role", "name", "verdict", "evidence_digest", "threshold", "members")
    kept["models"] = [{key: model[key] for key in own} for model in record["models"]]
    return sha256_bytes(rfc8785.dumps(kept))


def environment(accelerator: str | None = None) -> dict[str, Any]:
    """The interpreter, the platform, the versions of the packages that numbers depend on, and the GPU that was used."""
    packages = {}
    for name in _PACKAGES:
        packages[name] = version_of(name)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        **({"accelerator": accelerator} if accelerator else {}),
        "packages": packages,
    }


def version_of(package: str) -> str:
    """An installed package's version; `absent` where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def harness_version() -> str:
    """This package's version."""
    try:
        return version("vertical-harness")
    except PackageNotFoundError:
        return "checkout"
