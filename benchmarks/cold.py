"""What a document costs that the server has never seen, beside one that it knows.

Each new document is asked right before the known one, over one connection, so that both find the
machine in the same state. The server is warm: it has planned the known document, and others.
"""

import statistics

from app.settings import Settings
from benchmarks.documents import Documents
from benchmarks.load import Generator, Load
from benchmarks.peers.peer import Peer
from benchmarks.report import Report

_WARM_UP_SECONDS = 1.0
_COLUMNS = ("Medians in ms", "Known", "Never seen", "More", "9 of 10 at most")


def cold(
    settings: Settings,
    report: Report,
    generator: Generator,
    peer: Peer,
    documents: Documents,
    times: int,
) -> None:
    """Ask so many documents of each kind, and print."""
    rows = []
    with peer.serve(settings):

        def took(request: bytes) -> float:
            load = Load(peer.port, [request], 1, 0, once=True)
            return generator.send(load).times[0] * 1000

        for title, known, unseen in documents.kinds():
            generator.send(Load(peer.port, [known], 1, _WARM_UP_SECONDS))
            pairs = [(took(unseen(number)), took(known)) for number in range(times)]
            more = sorted(new - old for new, old in pairs)
            rows.append(
                (
                    title,
                    f"{statistics.median(old for _new, old in pairs):.2f}",
                    f"{statistics.median(new for new, _old in pairs):.2f}",
                    f"{statistics.median(more):.2f}",
                    f"{more[len(more) * 9 // 10]:.2f}",
                )
            )
    report.table(f"Documents never seen, {times} of each kind", _COLUMNS, rows)
