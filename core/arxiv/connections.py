"""Opens HTTP clients for arXiv, whose certificates are read while a process that starts imports the rest.

Apart from `client.py` for that: of a cold start with an empty store, certificates and imports are the longest parts.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx


def prepare_clients() -> Callable[[], httpx.AsyncClient]:
    """What opens clients, whose certificates are read in a thread from now on, once for those of all event loops.

    That takes 20 ms, without Python's lock.
    """
    reading = ThreadPoolExecutor(1)
    certificates = reading.submit(httpx.create_ssl_context)
    reading.shutdown(wait=False)

    def open_client() -> httpx.AsyncClient:
        import httpcore  # noqa: F401, PLC0415 - which the client would import after the certificates are there

        return httpx.AsyncClient(verify=certificates.result())

    return open_client
