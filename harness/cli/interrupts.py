"""Ends a command within 2 s of SIGINT, SIGTERM or SIGHUP, whatever it is doing.

The first of them is raised in the main thread, so that blocks are left in order: temporaries go, finished batches stay. Later
ones change nothing. Where the main thread does not end the process in time (it waits for other threads, or native code does
not come back), a thread removes the temporaries and ends the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

SIGNALS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
SECONDS = 1.4
"""How long the main thread has to end the process."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: ends all that an interrupt ends."""


def ending_in_time(verb: Callable[[], int], report: Callable[[int], None] | None = None) -> int:
    """The verb's exit code, 130 after an interrupt; `report` tells it to a supervising process.

    A process that SIGTERM or SIGHUP ended ends by that signal, as a scheduler expects. Signals that are ignored (nohup) stay so.
    """
    heard: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        if not heard:
            heard.append(number)
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    _watch(report)
    try:
        code = verb()
    except KeyboardInterrupt:  # before the verb had begun, or after its end
        code = 128 + signal.SIGINT
    if not heard:
        return code
    if heard[0] != signal.SIGINT:
        signal.signal(heard[0], signal.SIG_DFL)
        os.kill(os.getpid(), heard[0])
    return 128 + heard[0]


def _watch(report: Callable[[int], None] | None) -> None:
    """Starts the thread that ends the process in time: a signal's number reaches it also while native code runs."""
    numbers, written = socket.socketpair()
    written.setblocking(False)
    signal.set_wakeup_fd(written.detach(), warn_on_full_buffer=False)

    def wait() -> None:
        while (number := numbers.recv(1)[0]) not in SIGNALS:
            pass
        time.sleep(SECONDS)
        durable = sys.modules.get("harness.engine.durable")
        if durable is not None:
            durable.remove_unfinished()
        if report is not None:
            report(128 + number)
        with contextlib.suppress(OSError):
            os.write(2, b"The command did not stop by itself and was ended.\n")
        os._exit(128 + number)

    threading.Thread(target=wait, daemon=True).start()
