"""Every measure that a check gives is explained in docs/methods."""

from pathlib import Path

from harness.engine.registry import check_entries

PAGES = sorted((Path(__file__).parents[2] / "docs" / "methods").glob("*.md"))


def test_every_measure_is_explained():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    families = {e.name: e.name.partition(".")[0] for e in check_entries().values()}
    named = [f"{families[e.name]}.{m}" for e in check_entries().values() for m in e.measures]
    assert [measure for measure in named if f"`{measure}`" not in text] == []
