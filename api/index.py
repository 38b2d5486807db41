"""The entry for Vercel and uvicorn (`app`) and for AWS Lambda (`handler`)."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from fastapi import FastAPI

from api.feeds import MEDIA_TYPES
from api.problems import MEDIA_TYPE as PROBLEM
from api.wiring import create_app, read_settings
from core.errors import BadConfig


def _create_app() -> FastAPI:
    try:
        return create_app(read_settings())
    except BadConfig as error:
        sys.exit(f"arxiv-feeds: {error}")


app = _create_app()  # at the top level, where Vercel's builder looks for it


def __getattr__(name: str) -> Any:  # Any: Mangum's type, which is not imported before it is asked for
    """`handler` for AWS Lambda, made when first asked for, so that nobody else pays for Mangum's import."""
    if name != "handler":
        raise AttributeError(name)
    from mangum import Mangum  # noqa: PLC0415

    # Mangum takes the thread's event loop for all calls, and from Python 3.12 on nobody makes one by asking for it.
    asyncio.set_event_loop(asyncio.new_event_loop())
    # Mangum's list of text types lacks the feeds'; it would send them as base64. Its lifespan would open and close
    # everything around each single call.
    text_types = [media_type.partition(";")[0] for media_type in (*MEDIA_TYPES.values(), PROBLEM)]
    handler = Mangum(app, lifespan="off", text_mime_types=["text/", "application/json", "image/svg+xml", *text_types])
    globals()["handler"] = handler
    return handler
