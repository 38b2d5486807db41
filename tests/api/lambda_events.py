"""Requests as AWS's front ends hand them to a Lambda function, and the handler called with them in a process.

Run as `python -m tests.api.lambda_events` it reads calls as JSON from standard input, makes them one after the other,
and writes what came of each. The formats are those of AWS's documentation: of HTTP APIs and function URLs
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html), of REST APIs
(https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html) and of load
balancers (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

Event = dict[str, Any]  # Any: JSON

HOST = "evil.invalid"
_TARGET_GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/feeds/6d0ecf831eec9f09"
_PASSED_ON = {
    "accept": "*/*",
    "accept-encoding": "gzip, br",
    "host": HOST,
    "user-agent": "reader/1.0",
    "x-amzn-trace-id": "Root=1-65f0c0de-0123456789abcdef01234567",
    "x-forwarded-for": "192.0.2.7",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request by a reader, with the *address* as it stands in the request line."""

    address: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.address.partition("?")[0]

    @property
    def query(self) -> str:
        return self.address.partition("?")[2]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def sent(self) -> dict[str, str]:
        return {**_PASSED_ON, **self.headers}


def http_api(call: Call, *, stage: str = "$default") -> Event:
    """An HTTP API's event, payload 2.0; a named *stage* stands in the path."""
    base = "" if stage == "$default" else f"/{stage}"
    together: dict[str, list[str]] = {}
    for name, text in call.pairs:
        together.setdefault(name, []).append(text)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": base + unquote(call.path),
        "rawQueryString": call.query,
        "cookies": ["theme=dark"],
        "headers": {**call.sent, "content-length": "0"},
        **({"queryStringParameters": {name: ",".join(texts) for name, texts in together.items()}} if together else {}),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": HOST,
            "domainPrefix": "abcdefghij",
            "http": {
                "method": call.method,
                "path": base + unquote(call.path),
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "reader/1.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "time": "05/Mar/2026:14:00:00 +0000",
            "timeEpoch": 1772719200000,
        },
        "isBase64Encoded": False,
    }


def function_url(call: Call) -> Event:
    """A function URL's event: payload 2.0, with placeholders for what only an API has."""
    event = http_api(call)
    event["requestContext"] |= {"accountId": "anonymous", "authentication": None, "authorizer": None}
    del event["cookies"]
    return event


def rest_api(call: Call, *, base_path: str = "") -> Event:
    """A REST API's event; a custom domain's *base_path* stands in the path, the stage does not."""
    several: dict[str, list[str]] = {}
    for name, text in call.pairs:
        several.setdefault(name, []).append(text)
    path = base_path + unquote(call.path)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": call.method,
        "headers": {name.title(): text for name, text in call.sent.items()},
        "multiValueHeaders": {name.title(): [text] for name, text in call.sent.items()},
        "queryStringParameters": {name: texts[-1] for name, texts in several.items()} or None,
        "multiValueQueryStringParameters": several or None,
        "pathParameters": {"proxy": path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": HOST,
            "domainPrefix": "abcdefghij",
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "httpMethod": call.method,
            "identity": {"sourceIp": "192.0.2.7", "userAgent": "reader/1.0", "user": None, "userArn": None},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTime": "05/Mar/2026:14:00:00 +0000",
            "requestTimeEpoch": 1772719200000,
            "resourceId": "123456",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": None,
        "isBase64Encoded": False,
    }


def http_api_of_payload_1(call: Call) -> Event:
    """An HTTP API's event where its integration asks for payload 1.0: that of a REST API with a version."""
    return {"version": "1.0", **rest_api(call)}


def load_balancer(call: Call) -> Event:
    """An Application Load Balancer's event: nothing is decoded, and of a repeated parameter the last is left."""
    return {
        "requestContext": {"elb": {"targetGroupArn": _TARGET_GROUP}},
        "httpMethod": call.method,
        "path": call.path,
        "queryStringParameters": dict(_raw_pairs(call)),
        "headers": call.sent,
        "body": "",
        "isBase64Encoded": False,
    }


def load_balancer_with_multi_value_headers(call: Call) -> Event:
    """The same of a target group that has `lambda.multi_value_headers.enabled`."""
    event = load_balancer(call)
    several: dict[str, list[str]] = {}
    for name, text in _raw_pairs(call):
        several.setdefault(name, []).append(text)
    del event["headers"], event["queryStringParameters"]
    return event | {
        "multiValueHeaders": {name: [text] for name, text in call.sent.items()},
        "multiValueQueryStringParameters": several,
    }


def _raw_pairs(call: Call) -> list[tuple[str, str]]:
    return [(name, text) for pair in call.query.split("&") if pair for name, _, text in (pair.partition("="),)]


SHAPES: Mapping[str, Callable[[Call], Event]] = {
    "http-api": http_api,
    "function-url": function_url,
    "rest-api": rest_api,
    "http-api-1.0": http_api_of_payload_1,
    "alb": load_balancer,
    "alb-multi-value": load_balancer_with_multi_value_headers,
}

BY_RULE: Event = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-03-05T05:10:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/feeds-refresh"],
    "detail": {},
}
BY_SCHEDULER: Event = BY_RULE | {
    "source": "aws.scheduler",
    "resources": ["arn:aws:scheduler:us-east-1:123456789012:schedule/default/feeds-refresh"],
    "detail": "{}",
}
BY_HAND: Event = {"action": "refresh"}


@dataclass(frozen=True, slots=True)
class _Context:
    """As much of Lambda's context object as is asked for."""

    milliseconds: int

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def _main() -> None:
    """Makes the calls, each an event and how many milliseconds are left, or a call of the application itself."""
    from api import index

    calls: Sequence[Mapping[str, Any]] = json.load(sys.stdin)
    found = []
    for call in calls:
        if call.get("leaves_no_loop"):
            asyncio.run(asyncio.sleep(0))  # which takes the thread's event loop away
        if "event" in call:
            found.append(_invoke(index.handler, call["event"], _Context(call["milliseconds"])))
        else:
            found.append(asyncio.get_event_loop().run_until_complete(_ask(index.app, Call(**call))))
    json.dump(found, sys.stdout)


def _invoke(handler: Callable[[Event, _Context], Any], event: Event, context: _Context) -> Any:
    try:
        return json.loads(json.dumps(handler(event, context)))
    except Exception as error:
        return {"raised": type(error).__name__}


async def _ask(app: Any, call: Call) -> Any:  # Any: an application, and JSON
    import httpx

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}", trust_env=False) as client:
        answer = await client.request(
            call.method, call.address, headers={**call.headers, "Accept-Encoding": "identity"}
        )
        return {"status": answer.status_code, "headers": dict(answer.headers), "body": answer.content.decode("latin-1")}


if __name__ == "__main__":
    _main()
