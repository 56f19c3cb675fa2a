"""Budgets of size: the tail is what hurts, so the largest are kept in sight."""

import ast
from pathlib import Path

import harness

FILES = sorted(Path(harness.__file__).parent.rglob("*.py"))
FILE_LINES, FUNCTION_LINES, PARAMETERS = 400, 60, 7


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_files_functions_and_signatures_stay_small():
    too_big = []
    for path in FILES:
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES:
            too_big.append(f"{path.name}: {lines} lines")
        for node in functions(path):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            count = len([a for a in node.args.args + node.args.kwonlyargs if a.arg not in ("self", "evidence")])
            # A verb of the command line has an argument an option.
            if length > FUNCTION_LINES or (count > PARAMETERS and path.parent.name != "cli"):
                too_big.append(f"{path.name}:{node.name}: {length} lines, {count} parameters")
    assert too_big == []


def test_no_file_is_named_for_a_drawer():
    drawers = {"utils", "util", "helpers", "common", "base", "manager", "misc"}
    assert [p for p in FILES if p.stem in drawers] == []
