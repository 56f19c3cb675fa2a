import inspect

from harness.engine.registry import check_entries


def test_every_check_can_be_loaded_takes_evidence_first_and_has_a_default_for_the_rest():
    for entry in check_entries().values():
        first, *rest = inspect.signature(entry.load()).parameters.values()
        assert first.name == "evidence"
        assert all(p.default is not p.empty for p in rest), entry.name


def test_no_measure_is_given_by_two_checks_of_one_task():
    for task in ("classification", "regression", "choice"):
        entries = [e for e in check_entries().values() if task in e.tasks]
        measures = [(e.name.partition(".")[0], m) for e in entries for m in e.measures]
        assert len(measures) == len(set(measures))
