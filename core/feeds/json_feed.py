"""A feed as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), with what programs want to know under `_arxiv`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from core.catalogue import Feed, Item
from core.feeds import content

JsonObject = dict[str, Any]  # Any: what JSON can hold


def render_json_feed(feed: Feed) -> bytes:
    """*feed* as JSON Feed 1.1 in UTF-8: equal feeds give equal bytes. What is not known is left out, never null."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": content.build_feed_title(feed),
        "home_page_url": feed.addresses.page,
        "feed_url": feed.addresses.json,
        "description": content.build_description(feed),
        "language": "en",
        "items": [_entry(item) for item in feed.items],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode()


def _entry(item: Item) -> JsonObject:
    return {
        "id": item.guid,
        "url": item.link,
        "title": content.build_title(item),
        "content_html": content.build_content(item),
        **({"summary": tldr} if (tldr := content.build_tldr(item)) else {}),
        "date_published": _rfc3339(item.published),
        "date_modified": _rfc3339(item.updated),
        "authors": [{"name": name} for name in content.build_names(item)],
        "tags": [tag for tag in map(content.plain_text, item.paper.categories) if tag],
        "_arxiv": _extension(item),
    }


def _extension(item: Item) -> JsonObject:
    paper = item.paper
    texts = {
        "comment": paper.comment,
        "journal_reference": paper.journal_reference,
        "doi": paper.doi,
        "licence": paper.licence,
    }
    return {
        "id": paper.id,
        "version": paper.version,
        "mailing": item.mailing.isoformat(),
        "announce_type": item.announce_type,
        "announce_types": {
            content.clean_text(category): announce_type for category, announce_type in item.announce_types
        },
        "score": item.score.value,
        "reasons": [
            {"term": content.clean_text(reason.term), "field": reason.field, "points": reason.points}
            for reason in item.score.reasons
        ],
        **_summary(item),
        "pdf_url": paper.pdf_url,
        "html_url": paper.html_url,
        **{name: cleaned for name, text in texts.items() if (cleaned := content.clean_text(text or ""))},
    }


def _summary(item: Item) -> JsonObject:
    """The item's summary, or the reason why there is none; nothing where none was meant."""
    if item.attempt is None:
        return {}
    summary, key = item.attempt.summary, item.attempt.key
    if summary is None:
        return {"summary_absence": content.build_absence(item)}
    return {
        "summary": {
            "tldr": content.build_tldr(item),
            "sections": [
                {
                    **({"name": section.name} if section.name else {}),
                    "heading": content.clean_text(section.heading),
                    "html": section.html,
                }
                for section in summary.sections
            ],
            "origin": content.build_origin(item),
            "model": summary.model,
            "language": key.language,
            "source": summary.source,
            "version": key.version,
            "written_at": _rfc3339(item.attempt.at),
            "flags": summary.flags,
        }
    }


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
