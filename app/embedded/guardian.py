"""Runs one service and stops it when the process that started it is gone.

The guardian is a process of its own, in a session of its own, so that ctrl-C in a terminal does
not reach it or the service. It holds the reading end of a pipe whose writing end the owner
holds. However the owner ends, by `kill -9` too, the kernel closes that pipe; then the guardian
asks the service to stop, and makes it stop if it takes too long. If the guardian itself is
killed, Linux sends the service its stop signal (PR_SET_PDEATHSIG).

The file runs by its path, with nothing but the standard library, to be up in milliseconds.
"""

import ctypes
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


class Guarded:
    """A service under guard, seen from the process that owns it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        stop_signals: Sequence[signal.Signals],
        patience_seconds: float = 10,
        directory: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        """Start the service; its output goes to the file `log`, which is begun anew.

        The stop signals are sent one after the other, `patience_seconds` apart; SIGKILL follows
        them by itself. The service runs in `directory`, if one is given.
        """
        names = ",".join(number.name for number in stop_signals)
        options = [names, str(patience_seconds)]
        with log.open("wb") as output:
            log.chmod(0o600)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, *options, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=directory,
                env=environment,
            )
        self._log = log

    @property
    def pid(self) -> int:
        """The process id of the guardian."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the service still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop the service and wait until it is gone."""
        pipe = self._process.stdin
        if pipe is not None:
            pipe.close()
        self._process.wait()

    def output(self) -> str:
        """The last lines that the service has written."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.strip().splitlines()[-5:])


def _prepare_service(death_signal: signal.Signals) -> None:
    """Have Linux send the service a signal when the guardian dies; other systems can't."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal))


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
        preexec_fn=lambda: _prepare_service(signals[0]),
    )

    def stop(*_: object) -> None:
        stopping = (service, signals, patience)
        threading.Thread(target=_stop, args=stopping, daemon=True).start()

    def stop_when_owner_is_gone() -> None:
        sys.stdin.buffer.read()
        stop()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=stop_when_owner_is_gone, daemon=True).start()
    return service.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
