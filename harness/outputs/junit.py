"""The audit as JUnit XML: a decision is a test case."""

from __future__ import annotations

from harness.core.audit import Audit
from harness.outputs import narrative


def render_junit(audit: Audit) -> str:
    """A blocking fail is a failure, a blocking decision that is open an error, the rest that did not pass is skipped."""
    from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

    suite = TestSuite(audit.suite.name)
    for d in audit.verdict.decisions:
        case = TestCase(f"{d.rule_id} {narrative.about(d.group, d.of)}".strip(), classname=d.measure)
        blocks = d.severity == "block"
        if d.outcome == "fail" and blocks:
            case.result = [Failure(d.message)]
        elif d.outcome in ("inconclusive", "not_tested", "error") and blocks:
            case.result = [Error(f"{d.outcome}: {d.message}")]
        elif d.outcome != "pass":
            case.result = [Skipped(f"{d.outcome} ({d.severity}): {d.message}")]
        suite.add_testcase(case)
    xml = JUnitXml()
    xml.add_testsuite(suite)
    return str(xml.tostring().decode()) + "\n"  # type: ignore[no-untyped-call]  # junitparser has no types
