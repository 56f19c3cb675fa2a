"""docs/suites has a page for each suite, written from the suite itself; `python tests/docs/test_suites.py` writes them again."""

from pathlib import Path

import pytest

from harness.spec.loading import built_in_suites, load_card, load_suite

FOLDER = Path(__file__).parents[2] / "docs" / "suites"


def page_of(name):
    return FOLDER / f"{name.replace('/', '-')}.md"


def render(name):
    loaded = load_suite(name)
    suite, data = loaded.suite, loaded.suite.data
    card = load_card(loaded.folder / data.card)
    label = f"`{data.label.column}`, positive: {data.label.positive_name or 'none (several classes)'}"
    if data.label.column is None:
        label = f"none: no true answer exists; favourable to the person: {data.label.favourable}"
    if suite.task == "choice":
        label = f"`{data.label.column}`, the right one of {len(data.options)} options"
    if suite.task == "regression":
        label = f"`{data.label.column}`, a number in {data.label.unit}"
    if data.label.favourable:
        label += f"; favourable to the person: {data.label.favourable}"
    lines = [
        f"# {suite.title['en']} (`{name}`)",
        "",
        f"{suite.title['zh']} · version {suite.version} · {suite.vertical} · {suite.task}. Written from the suite's file.",
        "",
        f"**Purpose.** {suite.system.intended_purpose}. Users: {suite.system.users}. Affected: {suite.system.affected}. "
        f"Out of scope: {suite.system.out_of_scope}.",
        "",
        f"**Data.** {card.title}: {card.source}. Licence: {card.licence}. {card.real_or_synthetic.capitalize()}. "
        f"{card.intended_use}.",
        "",
        f"Known flaws: {'; '.join(card.known_flaws)}.",
        "",
        f"**Label.** {label}. **Features.** {', '.join(f'`{feature}`' for feature in data.features)}.",
        "",
    ]
    counted = [f"`{piece}`" for _, _, piece in data.derived]
    lines += [f"**Counted in the text,** for models of columns: {' '.join(counted)}.", ""] if counted else []
    groups = [f"{attribute} (`{how.column}`)" for attribute, how in data.sensitive.items()]
    slices = [f"{attribute} (`{how.column}`)" for attribute, how in data.slices.items()]
    lines += [f"**Groups.** {', '.join(groups) or 'none'}. **Slices.** {', '.join(slices) or 'none'}.", ""]
    lines += [f"Not applicable: `{check}`: {why}." for check, why in suite.not_applicable.items()]
    lines += decision_of(suite)
    lines += ["", "## Checks", ""]
    for request in suite.checks:
        given = ", ".join(f"{key}: {value}" for key, value in request.parameters.items())
        lines.append(f"- `{request.name}`" + (f" ({given})" if given else ""))
    lines += [
        "",
        "## Policy",
        "",
        "| rule | measure | limit | severity | reason | source of the limit |",
        "|---|---|---|---|---|---|",
    ]
    for rule in suite.policy:
        about = ", ".join(f"{k}: {v}" for k, v in {**(rule.group or {}), **(rule.of or {})}.items())
        measure = f"`{rule.measure}`" + (f" ({about})" if about else "")
        lines.append(
            f"| {rule.id} | {measure} | {rule.limit_text()} | {rule.severity} | {rule.reason} | {rule.source} |"
        )
    lines += ["", "## As a text and as a prompt", "", *text_of(suite)]
    if suite.views.prompt:
        choices = ", ".join(f"{name}: {words!r}" for name, words in suite.views.prompt.choices.items()) or "a number"
        lines += ["```", suite.views.prompt.template, "```", "", f"Choices: {choices}.", ""]
    base = "sklearn:tfidf" if data.features in (["smiles"], ["text"]) else "sklearn:gradient-boosting"
    tried = [f"harness fit {name} --base {base} -o model", f"harness audit {name} --model model -o report.html"]
    if data.derived:  # a model of columns, beside that of the text
        tried[:0] = [
            tried[0].replace("tfidf", "gradient-boosting").replace("model", "columns-model"),
            tried[1].replace("model model", "model columns-model"),
        ]
    if suite.data.split.test == 1:
        tried = [f"harness audit {name} --model https://host/v1#model -o report.html"]
    lines += ["## Try it", "", "```", *tried, "```"]
    return "\n".join(lines) + "\n"


def decision_of(suite):
    """How scores become answers, where the suite says so."""
    if suite.decision is None:
        return []
    how = ", ".join(f"{k}: {v}" for k, v in suite.decision.model_dump(exclude_none=True, exclude={"reason"}).items())
    return ["", f"**Decision.** `{how}`: {suite.decision.reason}."]


def text_of(suite):
    """The text view, or a sentence that there is none; and who can answer an item's own options."""
    if suite.views.text is None:
        return ["It has no text view: classifiers of texts can't answer it.", ""]
    shown = ["```", suite.views.text, "```", ""]
    if suite.task == "choice":
        places = ", ".join(f"`{place}`" for place in range(len(suite.data.options)))
        shown += [
            f"A classifier of texts can answer if its labels are the places of the options ({places}) and it was trained elsewhere: "
            "nothing is fitted to these items here. A text encoder without a head can't: a description of each class is what "
            "it compares with, and here each item has options of its own.",
            "",
        ]
    return shown


@pytest.mark.parametrize("name", built_in_suites())
def test_the_page_of_a_suite_says_what_the_suite_says(name):
    assert page_of(name).read_text(encoding="utf-8") == render(name)


@pytest.mark.parametrize("name", built_in_suites())
def test_no_page_has_an_empty_block(name):
    blocks = page_of(name).read_text(encoding="utf-8").split("```")[1::2]
    assert [block for block in blocks if not block.strip()] == []


def test_a_suite_without_a_text_view_says_so_and_one_of_options_says_who_can_answer():
    suite = load_suite("medical/diagnosis-questions").suite
    assert "`0`, `1`, `2`, `3`, `4`" in text_of(suite)[4]
    bare = suite.model_copy(update={"views": suite.views.model_copy(update={"text": None})})
    assert text_of(bare)[0].startswith("It has no text view")


def test_there_is_no_page_without_a_suite():
    assert {page.name for page in FOLDER.glob("*.md")} == {page_of(name).name for name in built_in_suites()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in built_in_suites():
        page_of(one).write_text(render(one), encoding="utf-8")
