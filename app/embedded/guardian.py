"""The program that runs one service and stops it when the process that started it is gone.

It is a process of its own, in a session of its own, so that ctrl-C in a terminal does not reach
it or the service. Its standard input is the reading end of a pipe whose writing end the owner
holds. However the owner ends, by `kill -9` too, the kernel closes that pipe; then the guardian
asks the service to stop, and makes it stop if it takes too long. If the guardian itself is
killed, Linux sends the service its stop signal (PR_SET_PDEATHSIG).

The file runs by its path, with nothing but the standard library, to be up in milliseconds.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def _die_with_guardian(number: signal.Signals) -> None:
    """Have Linux send this process a signal when its parent dies; other systems can't."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number))


def _stop(
    service: "subprocess.Popen[bytes]", signals: Sequence[signal.Signals], patience: float
) -> None:
    for number in [*signals, signal.SIGKILL]:
        service.send_signal(number)
        try:
            service.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return


def main(arguments: Sequence[str]) -> int:
    """Guard `arguments[2:]`; the first two are the signals to stop it with and the patience."""
    signals = [signal.Signals[name] for name in arguments[0].split(",")]
    patience = float(arguments[1])
    service = subprocess.Popen(
        arguments[2:],
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: _die_with_guardian(signals[0]),
    )

    def stop(*_: object) -> None:
        stopping = (service, signals, patience)
        threading.Thread(target=_stop, args=stopping, daemon=True).start()

    def stop_when_owner_is_gone() -> None:
        os.read(0, 1)
        stop()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=stop_when_owner_is_gone, daemon=True).start()
    return service.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
