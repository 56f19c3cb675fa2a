"""Runs a verb in a child process, where code that we don't ship can run: it must never make the command look successful.

What such code raises is caught where it is called, and so is `sys.exit`. `os._exit` (in a model, in a check, in the `__del__`
of an object) and a crash of native code can't be caught: they end the process at once, with any exit code. Therefore the verb
runs in a forked child, which reports to its parent that the verb ended, and with which code. A child that ends without the
report did not finish, and the command ends with an error. What the child does after the report (objects are freed, atexit)
changes nothing. It is forked before anything heavy is imported, which takes milliseconds.

Where there is no fork (Windows), `os._exit` is replaced instead.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

from harness.cli.interrupts import SIGNALS, ending_in_time
from harness.cli.printing import print_error

GROUPS = {"harness.checks", "harness.models", "harness.datasets", "harness.outputs"}
NOT_FINISHED = 70
_SECONDS = 1.8  # more than the child gives itself
_DEATH_SIGNAL_OPTION = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def runs_code_of_others(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a command may run code that we don't ship: a callable, a pickle, or a plugin of an installed package."""
    if words[:1] in ([], ["--help"], ["-h"]):
        return False
    given = {name: value for name, value in environment.items() if name.startswith("HARNESS_")}
    if any("python:" in word or word.startswith("--allow-unsafe-load") for word in (*words, *given.values())):
        return True
    if any(name.endswith("_ALLOW_UNSAFE_LOAD") for name in given):
        return True
    from importlib.metadata import entry_points

    return not GROUPS.isdisjoint(entry_points().groups)


def supervised(verb: Callable[[], int]) -> int:
    """The exit code that the verb ended with; NOT_FINISHED where its process ended before it did.

    A process that is ended by a signal ends the command by the same signal. Interrupts and SIGTERM reach the verb.
    """
    if not hasattr(os, "fork"):
        return _without_fork(verb)
    sys.stdout.flush()
    sys.stderr.flush()
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    child = os.fork()
    if child == 0:
        ours.close()
        _end_with(parent, theirs)
        return _reporting(verb, theirs, before)
    theirs.close()
    forwarded: list[int] = []
    _forward(child, forwarded)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return _outcome(child, ours, forwarded)


def _reporting(verb: Callable[[], int], parent: socket.socket, mask: set[int]) -> int:
    """In the child: runs the verb and reports its code."""
    process = os.getpid()

    def report(code: int) -> None:
        if os.getpid() == process:  # not in a process that the code of others forked
            parent.send(bytes([code & 0xFF]))

    def heeding() -> int:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return verb()

    code = ending_in_time(heeding, report)
    sys.stdout.flush()
    report(code)
    return code


def _outcome(child: int, connection: socket.socket, forwarded: list[int]) -> int:
    """In the parent: waits for the child; the code that it reported, or what its end means without a report."""
    _, status = os.waitpid(child, 0)
    connection.setblocking(False)  # a process that the child left behind may hold the other end open
    with contextlib.suppress(BlockingIOError):
        if report := connection.recv(1):
            return report[0]
    if forwarded and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:  # it did not end in time
        return _end_by(forwarded[0]) if forwarded[0] != signal.SIGINT else 128 + signal.SIGINT
    if os.WIFSIGNALED(status):
        return _end_by(os.WTERMSIG(status))
    _tell_unfinished(os.WEXITSTATUS(status))
    return NOT_FINISHED


def _tell_unfinished(status: int) -> None:
    print_error(
        f"code that is not the harness's (a python: model or a plugin) ended the process with status {status} before the "
        "command had finished. What it wrote is not complete, and there is no verdict. Look for os._exit in that code, and "
        "raise an error instead."
    )


def _end_by(number: int) -> int:
    """Ends this process by the signal that ended the child, so that a shell or a scheduler sees what it always saw."""
    if number not in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        why = (
            "It may have used up the memory."
            if number == signal.SIGKILL
            else "Native code of a model or a plugin crashed."
        )
        print_error(
            f"signal {number} ({signal.strsignal(number)}) ended the process before the command had finished. {why}"
        )
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # the child's is the one
    with contextlib.suppress(OSError):  # SIGKILL has no handler
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def _forward(child: int, forwarded: list[int]) -> None:
    """Hands signals on to the child, and ends it where it does not end in time; those that are ignored (nohup) stay so."""

    def hand_on(number: int, _: FrameType | None) -> None:
        if not forwarded:
            end = threading.Timer(_SECONDS, _send, (child, signal.SIGKILL))
            end.daemon = True
            end.start()
        forwarded.append(number)
        _send(child, number)

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, hand_on)


def _send(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _end_with(parent: int, connection: socket.socket) -> None:
    """Lets this process be why when its parent is, even by SIGKILL."""
    if sys.platform == "linux":
        import ctypes

        if ctypes.CDLL(None).prctl(_DEATH_SIGNAL_OPTION, signal.SIGKILL) == 0:
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGKILL)
            return

    def watch() -> None:
        connection.recv(1)  # the parent sends nothing: it returns when the parent's end is closed
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _without_fork(verb: Callable[[], int]) -> int:
    code, leave = None, os._exit

    def refuse(status: int) -> None:
        if code is None:
            _tell_unfinished(status)
        leave(NOT_FINISHED if code is None else code)

    os._exit = refuse  # type: ignore[assignment]  # it never returns either
    code = ending_in_time(verb)
    return code
