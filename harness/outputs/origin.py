"""Where a record comes from: how often its test rows were audited before, and whether it was judged again."""

from __future__ import annotations

from harness.core.audit import Audit


def origin(audit: Audit) -> list[str]:
    """A sentence on earlier audits of the same test rows and one on an earlier judgement, where there are any."""
    return [sentence for sentence in (_earlier(audit), _rejudged(audit)) if sentence]


def short(digest: str) -> str:
    """The beginning of a digest, as run folders are named."""
    return digest.removeprefix("sha256:")[:8]


def _earlier(audit: Audit) -> str:
    earlier = audit.earlier_audits
    if earlier is None or not earlier.audits:
        return ""
    rows = next((f"{split.rows:,}" for split in audit.data.splits if split.role == "test"), "0")
    used = f"These {rows} test rows were used in {_count(earlier.audits, 'earlier audit')} of {_count(earlier.models, 'model')}."
    if earlier.models == 1:
        return used
    return f"{used} The best of several models on the same rows looks better than it is."


def _rejudged(audit: Audit) -> str:
    if audit.rejudged_from is None:
        return ""
    return f"Judged again from record {audit.rejudged_from}: the measurements are those of that record."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
