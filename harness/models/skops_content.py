"""Imports skops, and says what a .skops file holds, without what differs between two dumps of equal objects."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from harness.engine.provenance import sha256_bytes

_ADDRESSES = ("_stop_words_id",)  # scikit-learn's vectorisers keep where their stop words lay in memory


_NEEDS_TORCH = "sklearn.externals.array_api_compat.torch"


def import_skops() -> Any:
    """`skops.io`, imported without torch.

    At its import skops walks through every module of scikit-learn to list the estimators; one of them imports torch where that
    is installed, for seconds, and holds no estimator. While it is hidden, the walk passes it by.
    """
    hidden = _NEEDS_TORCH not in sys.modules
    if hidden:
        sys.modules[_NEEDS_TORCH] = None  # type: ignore[assignment]
    try:
        import skops.io
    finally:
        if hidden:
            del sys.modules[_NEEDS_TORCH]
    return skops.io


def content_digest(path: Path) -> str:
    """The digest of the objects in a .skops file: equal for equal fits, whenever and wherever they were saved.

    A .skops file is a zip of `schema.json`, a tree of nodes, and of arrays that nodes name. Each node counts with its keys, the
    digests of its children and of its array's bytes. What does not count: memory addresses (`__id__`, and those that an object
    keeps), from which the arrays have their names, the zip's times and compression, and the order of a set. Of two nodes with one address the loader takes the
    first for both, so a second one that differs counts as both.
    """
    with zipfile.ZipFile(path) as archive:
        return _Tree(archive).digest(json.loads(archive.read("schema.json")))


class _Tree:
    """The nodes seen so far, by address."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._seen: dict[int, str] = {}

    def digest(self, node: dict[str, Any]) -> str:
        """The digest of a node."""
        address = node.get("__id__")
        if node["__loader__"] == "CachedNode" and address in self._seen:
            return self._seen[address]
        own = _digest([[key, self._of_key(node, key)] for key in node if key != "__id__"])
        if address is None:
            return own
        first = self._seen.setdefault(address, own)
        return own if first == own else _digest([first, own])

    def _of_key(self, node: dict[str, Any], key: str) -> Any:
        value = node[key]
        if key == "file":
            return sha256_bytes(self._archive.read(value))
        if key == "content" and node["__loader__"] == "SetNode":
            return sorted(self.digest(item) for item in value)
        return self._plain(value)

    def _plain(self, part: Any) -> Any:
        """A part of the schema with its nodes as their digests; a mapping as pairs, so that nothing else looks like a node."""
        if isinstance(part, list):
            return [self._plain(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "__loader__" in part:
            return {"node": self.digest(part)}
        return [[key, self._plain(value)] for key, value in part.items() if key not in _ADDRESSES]


def _digest(plain: Any) -> str:
    return sha256_bytes(json.dumps(plain, separators=(",", ":")).encode())
