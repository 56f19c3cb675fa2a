"""A command ends soon after a signal, in order where it can and by force where it can't; the waits are far above the 2 s promised."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals of POSIX")

SCRIPT = """
import os, sys, threading, time
from pathlib import Path
from harness.cli.interrupts import ending_in_time
from harness.cli.supervisor import supervised
from harness.engine.durable import unfinished_folder

def in_order():
    work(time.sleep)

def waits_for_a_thread():
    try:
        work(time.sleep)
    finally:
        threading.Event().wait()

def swallows():
    while True:
        try:
            work(time.sleep)
        except KeyboardInterrupt:
            pass

def holds_the_interpreter():
    work(lambda seconds: sum(range(10**14)))

def work(sleep):
    print("writing", flush=True)
    sleep(600)

def verb():
    with unfinished_folder(Path("out")):
        globals()[sys.argv[2]]()
    return 0

sys.exit({"plain": ending_in_time, "supervised": supervised}[sys.argv[1]](verb))
"""


def heeding_signals():
    """Where the tests run behind a shell's & or nohup, some signals are ignored, which a child would inherit."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def ended(number, folder, how, what):
    """The exit code after a signal sent while the verb works."""
    words = [sys.executable, "-c", SCRIPT, how, what]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, preexec_fn=heeding_signals) as process:
        assert process.stdout.readline() == b"writing\n"
        assert list((folder / "out").iterdir())
        process.send_signal(number)
        try:
            return process.wait(timeout=60)
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["plain", "supervised"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_verb_is_left_in_order(number, how, tmp_path):
    assert ended(number, tmp_path, how, "in_order") == (130 if number == signal.SIGINT else -number)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("how", ["plain", "supervised"])
@pytest.mark.parametrize("what", ["waits_for_a_thread", "swallows"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_verb_that_does_not_stop_is_ended_and_leaves_no_temporary(number, what, how, tmp_path):
    assert ended(number, tmp_path, how, what) == 128 + number
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_supervised_verb_whose_native_code_holds_the_interpreter_is_killed(number, tmp_path):
    code = ended(number, tmp_path, "supervised", "holds_the_interpreter")
    assert code == (130 if number == signal.SIGINT else -number)


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    code = (
        "import os, signal; from harness.cli.interrupts import ending_in_time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print(ending_in_time(lambda: os.kill(os.getpid(), signal.SIGINT) or 3))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(tmp_path))
    assert done.stdout == "3\n"
