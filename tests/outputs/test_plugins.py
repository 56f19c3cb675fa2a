"""An output of another package draws a copy of the record."""

from harness.outputs import writing


def changed(record):
    record.verdict.__dict__["outcome"] = "pass"
    record.records.clear()
    return "drawn"


def test_what_a_third_partys_output_writes_into_the_record_reaches_nobody_else(every_outcome, monkeypatch):
    monkeypatch.setattr(writing, "targets", lambda group, built_in: {"acme/x": "acme:x"})
    monkeypatch.setattr(writing, "load_target", lambda target: changed)
    before = every_outcome.model_dump_json()
    assert writing.render(every_outcome, "acme/x") == "drawn"
    assert every_outcome.model_dump_json() == before
