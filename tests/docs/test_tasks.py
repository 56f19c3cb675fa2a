"""The table of checks and tasks in docs/writing-a-suite.md is the registry's; `python tests/docs/test_tasks.py` writes it again."""

from pathlib import Path

from harness.engine.absence import absence
from harness.engine.registry import check_entries

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-suite.md"
START, END = "<!-- table of tasks: written by tests/docs/test_tasks.py -->", "<!-- end of the table of tasks -->"
# What is measured where it is not the whole.
SEVERAL = {
    "performance.calibration": "each class, top label",
    "performance.transfer": "mean recall",
    "explainability.attribution": "each class, and the one answered",
    "explainability.direction": "by class",
    "bias.groups": "accuracy; all with `favourable`",
    "performance.slices": "accuracy",
    "data.sites": "shift",
}
CHOICE = {
    "data.sites": "shift",
    "performance.calibration": "the pick",
    "performance.slices": "accuracy",
    "bias.groups": "accuracy",
    "explainability.attribution": "the pick",
}


def render():
    lines = [
        "| check | a positive class | several classes, none positive | regression | choice |",
        "|---|---|---|---|---|",
    ]
    absent = {"regression": [], "choice": []}
    for name, entry in sorted(check_entries().items()):
        cells = {task: "yes" if task in entry.tasks else "–" for task in ("classification", "regression", "choice")}
        several = cells["classification"]
        if several == "yes":
            lacks = [need for need in ("positive", "favourable") if need in entry.needs]
            several = f"needs `{'`, `'.join(lacks)}`" if lacks else SEVERAL.get(name, "yes")
        if cells["choice"] == "yes":
            cells["choice"] = CHOICE.get(name, "yes")
        if name == "data.sites":
            cells["regression"] = "shift"
        for task, named in absent.items():
            if task not in entry.tasks and "classification" in entry.tasks:
                named.append(f"- `{name}`, {task}: {absence(name, entry.tasks, task)}")
        lines.append(
            f"| `{name}` | {cells['classification']} | {several} | {cells['regression']} | {cells['choice']} |"
        )
    lines += ["", "A – is *not applicable*, and the report says why:", "", *absent["regression"], *absent["choice"]]
    return "\n".join([START, *lines, END])


def test_the_table_of_tasks_says_what_the_registry_says():
    page = PAGE.read_text(encoding="utf-8")
    assert page[page.index(START) : page.index(END) + len(END)] == render()


def test_each_note_is_of_a_check_that_knows_the_task():
    known = check_entries()
    assert all("classification" in known[name].tasks and "positive" not in known[name].needs for name in SEVERAL)
    assert all("choice" in known[name].tasks for name in CHOICE)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text[: text.index(START)] + render() + text[text.index(END) + len(END) :], encoding="utf-8")
