"""Names in charts: Chinese ones are drawn whole, and take the room that they need."""

import pytest

from harness.core.finding import Exhibit
from harness.outputs.charts import draw

CHINESE = "单位性质 = 国有企业及事业单位在编人员（不含劳务）"


@pytest.mark.parametrize("kind", ["intervals", "bars"])
def test_a_long_chinese_name_is_drawn_whole(kind):
    names = ["女", CHINESE]
    rows = [[name, 1.0, 0.8, 1.2, 50] for name in names]
    svg = draw(Exhibit(kind=kind, title="t", columns=["group", "影响比", "low", "high", "n"], rows=rows))
    assert all(f">{name}</text>" in svg for name in names)
    assert "…" not in svg
