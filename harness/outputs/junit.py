"""The audit as JUnit XML: a decision is a test case."""

from __future__ import annotations

from harness.core.audit import Audit
from harness.core.safe_text import shown
from harness.outputs import narrative
from harness.outputs.waivers import waiver_rows


def render_junit(audit: Audit) -> str:
    """A blocking fail is a failure, a blocking decision that is open an error, the rest that did not pass is skipped.

    What is waived is skipped, with the waiver's reason; every waiver is a property of the suite of tests.
    """
    from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

    suite = TestSuite(shown(audit.suite.name))
    suite.add_property("summary", shown(narrative.summary(audit)))
    for row in waiver_rows(audit):
        suite.add_property("waiver", shown(row.line))
    for d in audit.verdict.decisions:
        case = TestCase(shown(f"{d.rule_id} {narrative.about(d.group, d.of)}".strip()), classname=shown(d.measure))
        blocks, message = d.severity == "block" and not d.waived, shown(narrative.explained(d))
        if d.outcome == "fail" and blocks:
            case.result = [Failure(message)]
        elif d.outcome in ("inconclusive", "not_tested", "error") and blocks:
            case.result = [Error(f"{d.outcome}: {message}")]
        elif d.outcome != "pass":
            case.result = [Skipped(f"{d.outcome} ({d.severity}): {message}")]
        suite.add_testcase(case)
    xml = JUnitXml()
    xml.add_testsuite(suite)
    return str(xml.tostring().decode()) + "\n"  # type: ignore[no-untyped-call]  # junitparser has no types
