"""docs/command-line.md is the commands' own help; `python tests/docs/test_command_line.py` writes it again."""

from pathlib import Path

import typer

from harness.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
HEAD = """# The command line

Generated from the commands themselves. Every option is also an environment variable. stdout is the result, stderr the story.

Exit codes of `audit` and `judge`: **0** pass · **1** the policy blocks · **3** incomplete: something blocking is
inconclusive, not tested or crashed. Of any verb: **2** the input is wrong · **4** integrity failure · **70** internal
error · **130** interrupted.

Completion: `harness --install-completion`.
"""


def render():
    parts = [HEAD]
    for name, command in typer.main.get_command(app).commands.items():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        usage = " ".join(
            [f"harness {name}", *[a.make_metavar(None) if not a.metavar else a.metavar for a in arguments]]
        )
        parts.append(f"\n## {usage}\n\n{command.help}\n")
        for argument in arguments:
            parts.append(f"- `{argument.metavar}` {argument.help}\n")
        for option in options:
            needed = " Required." if option.required else ""
            variable = f"HARNESS_{name}_{option.name}".upper()
            parts.append(f"- `{'`, `'.join(option.opts)}` {option.help}{needed} (`{variable}`)\n")
    return "".join(parts)


def test_the_page_of_commands_says_what_the_commands_say():
    assert PAGE.read_text(encoding="utf-8") == render()


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
