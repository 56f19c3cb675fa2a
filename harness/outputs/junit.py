"""The audit as JUnit XML: a decision is a test case."""

from __future__ import annotations

import re

from harness.core.audit import Audit
from harness.outputs import narrative
from harness.outputs.waivers import waiver_rows

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(audit: Audit) -> str:
    """A blocking fail is a failure, a blocking decision that is open an error, the rest that did not pass is skipped.

    What is waived is skipped, with the waiver's reason; every waiver is a property of the suite of tests.
    """
    from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

    suite = TestSuite(_legal(audit.suite.name))
    suite.add_property("summary", _legal(narrative.summary(audit)))
    for row in waiver_rows(audit):
        suite.add_property("waiver", _legal(row.line))
    for d in audit.verdict.decisions:
        case = TestCase(_legal(f"{d.rule_id} {narrative.about(d.group, d.of)}".strip()), classname=d.measure)
        blocks, message = d.severity == "block" and not d.waived, _legal(narrative.explained(d))
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


def _legal(text: str) -> str:
    """Without the control characters that XML 1.0 can't hold even escaped: a name from a data file may have them."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
