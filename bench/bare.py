"""What ours is compared with: one route of Starlette, and one of FastAPI, that send recorded answers and do no more.

uvicorn makes the applications (`--factory`); the file that ANSWERS names has what they send. Nothing of the project is
imported, and FastAPI only for FastAPI's application.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.applications import Starlette

FILE_VARIABLE = "ANSWERS"


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded answer; *headers* are without those that uvicorn adds."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def starlette_app() -> Starlette:
    """One route `/NAME` for each answer."""
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import Response  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    def route(name: str, answer: Answer) -> Route:
        async def send(_: Request) -> Response:
            return Response(answer.body, answer.status, answer.headers)

        return Route(f"/{name}", send)

    return Starlette(routes=[route(name, answer) for name, answer in _load().items()])


def fastapi_app() -> FastAPI:
    """The same with FastAPI."""
    from fastapi import FastAPI, Response  # noqa: PLC0415

    app = FastAPI()

    def add(name: str, answer: Answer) -> None:
        @app.get(f"/{name}")
        async def send() -> Response:
            return Response(answer.body, answer.status, dict(answer.headers))

    for name, answer in _load().items():
        add(name, answer)
    return app


def save_answers(path: Path, answers: Mapping[str, Answer]) -> None:
    """Write *answers* where `ANSWERS` can name them."""
    saved = {
        name: [answer.status, dict(answer.headers), base64.b64encode(answer.body).decode()]
        for name, answer in answers.items()
    }
    path.write_text(json.dumps(saved), encoding="utf-8")


def _load() -> dict[str, Answer]:
    saved = json.loads(Path(os.environ[FILE_VARIABLE]).read_text(encoding="utf-8"))
    return {name: Answer(status, headers, base64.b64decode(body)) for name, (status, headers, body) in saved.items()}
