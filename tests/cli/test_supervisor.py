"""Code that is not ours can end its process in any way, and the command never looks as if it had succeeded."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import typer

from harness.cli.app import _guarded
from harness.cli.supervisor import runs_code_of_others
from harness.errors import UserError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="ends processes by signals")
SUITE = """
extends: finance/credit-risk
name: small
checks: [{checks}]
policy:
  - {{id: right, measure: performance.accuracy, at_least: {limit}, reason: r, source: s}}
"""
# A model of one column; each of its places may hold a statement.
MODEL = """
import os, signal, sys, time
{module}

class Predictor:
    def __call__(self, frame):
        {predict}
        return ["yes" if share > 0.4 else "no" for share in frame["pirat"]]

    def __del__(self):
        {freed}

class Kept:
    def __del__(self):
        {shutdown}

kept = Kept()

def make():
    {factory}
    return Predictor()
"""
PLACES = {"module": "pass", "factory": "pass", "predict": "pass", "freed": "pass", "shutdown": "pass"}
CHECK = """
import os, sys
from harness.core.finding import Finding
from harness.engine.measurement import Measurement

class Kept:
    def __del__(self):
        {freed}

def rows(evidence):
    {check}
    {kept} = Kept()
    return Measurement([Finding(measure="acme/rows.count", value=1, n=1, exact=True)])
"""


class Sly(UserError):
    """An error that says that all is well."""

    exit_code = 0


def environment(folder):
    """Finds the package in `folder`, and what the tests themselves found."""
    path = os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)}


def command(folder, limit=0.5, checks="performance.classification"):
    (folder / "s.yaml").write_text(SUITE.format(limit=limit, checks=checks), encoding="utf-8")
    return [sys.executable, "-m", "harness.cli", "audit", "s.yaml", "--model", "python:theirs:make", "-o", "a.json"]


@pytest.fixture
def audited(tmp_path):
    """Audits a model with statements in its places: what came of it, and its record where one was written."""

    def run(limit=0.5, checks="performance.classification", **places):
        (tmp_path / "theirs.py").write_text(MODEL.format(**PLACES | places), encoding="utf-8")
        done = subprocess.run(
            command(tmp_path, limit, checks), capture_output=True, text=True, cwd=tmp_path, env=environment(tmp_path)
        )
        path = tmp_path / "a.json"
        return done, json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    return run


@pytest.fixture
def plugin(tmp_path):
    """An installed package with a check whose places may hold statements, as pip leaves one on the path."""

    def install(check="pass", freed="pass", kept="local", module=""):
        told = tmp_path / "site" / "acme_rows-1.0.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rows\nVersion: 1.0\n", encoding="utf-8")
        (told / "entry_points.txt").write_text("[harness.checks]\nacme/rows = acme_rows:rows\n", encoding="utf-8")
        source = module + CHECK.format(check=check, freed=freed, kept=kept)
        (tmp_path / "site" / "acme_rows.py").write_text(source, encoding="utf-8")
        return f"performance.classification, acme/rows{''}"

    return install


def test_a_model_that_behaves_gets_the_exit_code_of_its_verdict(audited):
    done, record = audited()
    assert (done.returncode, record["verdict"]["outcome"], done.stderr) == (0, "pass", "")


def test_a_model_that_calls_sys_exit_is_wrong_input(audited):
    done, record = audited(predict="sys.exit(0)")
    assert (done.returncode, record) == (2, None)
    assert "python:theirs:make called sys.exit(0) in predict" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("place", ["module", "factory", "predict", "freed"])
def test_a_model_that_ends_the_process_is_an_error(place, audited):
    done, record = audited(**{place: "os._exit(0)"})
    assert (done.returncode, record) == (70, None)
    assert "ended the process with status 0" in done.stderr
    assert "os._exit" in done.stderr


@pytest.mark.parametrize("statement", ["os._exit(0)", "sys.exit(0)"])
def test_a_model_that_ends_the_process_after_the_verdict_does_not_change_the_code(statement, audited):
    done, record = audited(limit=0.99, shutdown=statement)
    assert (done.returncode, record["verdict"]["outcome"]) == (1, "fail")
    assert "FAIL" in done.stdout


def test_sys_exit_while_an_object_is_freed_changes_nothing(audited):
    done, record = audited(limit=0.99, freed="sys.exit(0)")
    assert (done.returncode, record["verdict"]["outcome"]) == (1, "fail")


@pytest.mark.parametrize("places", [{"check": "os._exit(0)"}, {"freed": "os._exit(0)"}, {"module": "import os; os._exit(0)\n"}])  # fmt: skip
def test_a_check_that_ends_the_process_is_an_error(places, audited, plugin):
    done, record = audited(checks=plugin(**places))
    assert (done.returncode, record) == (70, None)
    assert "ended the process with status 0" in done.stderr


def test_a_check_that_calls_sys_exit_is_recorded_as_an_error(audited, plugin):
    done, record = audited(checks=plugin("sys.exit(0)"))
    found = {r["check"]: (r["status"], r["reason"]) for r in record["records"]}
    assert found["acme/rows"] == ("error", "the check crashed: it called sys.exit(0)")
    assert done.returncode == 0  # no rule needs it


def test_a_check_whose_module_calls_sys_exit_is_a_mistake_of_the_suite(audited, plugin):
    done, record = audited(checks=plugin(module="import sys; sys.exit(0)\n"))
    assert (done.returncode, record) == (2, None)
    assert "acme/rows called sys.exit(0) while it was loaded" in done.stderr


def test_an_object_of_a_check_that_ends_the_process_at_its_end_does_not_change_the_code(audited, plugin):
    done, record = audited(limit=0.99, checks=plugin(freed="os._exit(0)", kept="global kept; kept"))
    assert (done.returncode, record["verdict"]["outcome"]) == (1, "fail")


def test_an_option_from_the_environment_is_supervised_too(tmp_path):
    (tmp_path / "theirs.py").write_text(MODEL.format(**PLACES | {"predict": "os._exit(0)"}), encoding="utf-8")
    words = command(tmp_path)
    del words[words.index("--model") : words.index("--model") + 2]
    given = environment(tmp_path) | {"HARNESS_AUDIT_MODEL": "python:theirs:make"}
    assert subprocess.run(words, cwd=tmp_path, env=given, capture_output=True).returncode == 70


@pytest.mark.parametrize("error", [SystemExit(0), SystemExit(), typer.Exit(0), GeneratorExit(), Sly("")])
def test_whatever_ends_a_verb_but_its_own_end_is_an_error(error, capsys):
    def verb():
        raise error

    with pytest.raises(typer.Exit) as ended:
        _guarded(verb)()
    assert ended.value.exit_code == 70
    assert capsys.readouterr().err


def test_a_verb_that_ends_gives_its_code_and_one_without_a_code_gives_0():
    for code, wanted in ((0, 0), (3, 3), (None, 0)):
        with pytest.raises(typer.Exit) as ended:
            _guarded(lambda code=code: code)()
        assert ended.value.exit_code == wanted


def heeding_signals():
    """Where the tests run behind a shell's & or nohup, some signals are ignored, which a child would inherit."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def gone(pid):
    """Whether a process ends within seconds; one that nobody waited for counts as ended."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def started(tmp_path):
    """Starts words as the leader of a process group; gives the process, and the id of the one that wrote `pid`."""
    processes = []

    def start(words):
        process = subprocess.Popen(
            words, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True, preexec_fn=heeding_signals,
        )  # fmt: skip
        processes.append(process)
        while not (tmp_path / "pid").exists() and process.poll() is None:
            time.sleep(0.01)
        return process, int((tmp_path / "pid").read_text(encoding="utf-8"))

    yield start
    for process in processes:
        process.kill()
        process.communicate()


WAITING = "open('new', 'w').write(str(os.getpid())); os.rename('new', 'pid'); time.sleep(60)"
SCRIPT = f"""
import os, sys, time
from harness.cli.supervisor import supervised

def verb():
    {WAITING}

if sys.argv[1:]:
    sys.platform = sys.argv[1]
sys.exit(supervised(verb))
"""


@pytest.mark.parametrize("whole_group", [False, True], ids=["the command", "its group, as a terminal does"])
def test_an_interrupt_ends_the_command_with_130(whole_group, started, tmp_path):
    (tmp_path / "theirs.py").write_text(MODEL.format(**PLACES | {"predict": WAITING}), encoding="utf-8")
    process, pid = started(command(tmp_path))
    os.killpg(process.pid, signal.SIGINT) if whole_group else process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "Interrupted.\n")
    assert gone(pid)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_ending_the_command_ends_the_verb_too(number, platform, started):
    process, pid = started([sys.executable, "-c", SCRIPT, platform])
    assert pid != process.pid
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == -number
    assert gone(pid)


def supervise(body, before=""):
    """A verb of these lines, supervised in a process of its own."""
    source = f"import atexit, os, signal, sys\n{before}\nfrom harness.cli.supervisor import supervised\ndef verb():\n{textwrap.indent(body, '    ')}\n"
    words = [sys.executable, "-c", source + "sys.exit(supervised(verb))"]
    return subprocess.run(words, capture_output=True, text=True, input="typed")


def test_a_verb_whose_process_crashes_ends_the_command_by_the_same_signal():
    done = supervise("os.kill(os.getpid(), signal.SIGSEGV)")
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr


def test_a_process_that_the_verb_forks_reports_nothing():
    done = supervise("if os.fork() == 0: return 0\nos.wait()\nos._exit(0)")
    assert done.returncode == 70


def test_a_verb_has_the_commands_terminal_and_its_process_group():
    done = supervise("print(sys.stdin.read(), os.getpgrp() == os.getpgid(os.getppid()))\nreturn 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "typed True\n", "")


@pytest.mark.parametrize(
    ("body", "code"), [("os._exit(0)", 70), ("atexit.register(os._exit, 0)\nreturn 1", 1), ("return 0", 0)]
)
def test_without_fork_os_exit_is_no_success_either(body, code):
    done = supervise(body, "del os.fork")
    assert done.returncode == code


@pytest.mark.parametrize(
    ("words", "given", "others"),
    [
        (["audit", "s", "--model", "python:a:b"], {}, True),
        (["audit", "s", "--model=python:a:b"], {}, True),
        (["compare", "s", "--vertical", "m.skops", "--general", "python:a:b"], {}, True),
        (["audit", "s"], {"HARNESS_AUDIT_MODEL": "python:a:b"}, True),
        (["audit", "s", "--model", "m.pkl", "--allow-unsafe-load=trusted"], {}, True),
        (["audit", "s", "--model", "m.pkl"], {"HARNESS_AUDIT_ALLOW_UNSAFE_LOAD": "trusted"}, True),
        (["audit", "s", "--model", "m.skops"], {"OTHER": "python:a:b"}, False),
    ],
)
def test_a_command_that_may_run_the_code_of_others_is_known_by_its_words(words, given, others):
    assert runs_code_of_others(words, given) is others


def test_a_command_beside_an_installed_plugin_may_run_its_code(plugin, tmp_path, monkeypatch):
    plugin()
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert runs_code_of_others(["audit", "s", "--model", "m.skops"], {})
    assert not runs_code_of_others(["--help"], {})
