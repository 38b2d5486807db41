"""Opens HTTP clients for arXiv, whose certificates are read while a process that starts imports the rest.

A module of its own, so that reading can begin before `client.py` and its parsers are imported: of a cold start with an
empty store, certificates and imports are the longest parts.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx


def prepare_clients() -> Callable[[], httpx.AsyncClient]:
    """What opens clients, whose certificates are read in a thread from now on, once for those of all event loops.

    That takes 20 to 30 ms, without Python's lock. Certificates that cannot be read are a failure of every client, as
    without this. A process that forks meanwhile must prepare its own.
    """
    reading = ThreadPoolExecutor(1)
    certificates = reading.submit(httpx.create_ssl_context)
    reading.shutdown(wait=False)

    def open_client() -> httpx.AsyncClient:
        import httpcore  # noqa: F401, PLC0415 - which the client would import after the certificates are there

        return httpx.AsyncClient(verify=certificates.result())

    return open_client
