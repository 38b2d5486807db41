"""For programs: papers with scores and reasons as JSON, why a paper is listed or not, and what there is to ask for."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from api.caching import represent
from api.feeds import list_feeds
from api.selection import (
    FeedParameters,
    SelectionParameters,
    feed_title,
    parse_selection,
    refuse_repeated,
)
from api.service import NOT_MODIFIED, Service, ServiceDependency
from core.arxiv.taxonomy import CATEGORIES
from core.catalogue import MAX_ITEMS, Explained, Item, Outcome, Selection, describe, rank_key
from core.config import DEFAULT_PROFILE
from core.errors import BadQuery, NothingStored, UnknownPaper
from core.feeds.content import build_absence, plain_text, tell_origin
from core.papers import AnnounceType, Paper, parse_citation
from core.profiles import Keyword, MatchMode, Profile, Ranking, say_points
from core.scoring import Kind, Place
from core.settings import IN_DIGITS
from core.store.records import PaperRecord
from core.summaries.attempts import Attempt, SourceKind
from core.summaries.languages import SectionName

router = APIRouter(tags=["papers"], dependencies=[Depends(refuse_repeated)], responses=NOT_MODIFIED)

MEDIA_TYPE = "application/json"
_RuleOfSelection = Literal[
    "category",
    "days",
    "announce type",
    "exclusion",
    "term of the query",
    "NOT in the query",
    "keyword entry",
    "min_score",
    "cap",
    "limit",
]
RuleKind = Kind | _RuleOfSelection
DEFAULT_LIMIT = 50

_NOT_WANTED = (
    "No AI summary: only the best papers of each mailing of a configured profile get one, in the profile's language, "
    "and of mailings before the first summary was written here only the best of all."
)
_PLACE: TypeAdapter[tuple[float, int, int, int, str]] = TypeAdapter(tuple[float, int, int, int, str])


class ReasonModel(BaseModel):
    """One reason for a score."""

    term: str = Field(description="The keyword or author as the profile has it.", examples=["LLM"])
    field: Place = Field(
        description="Where it was found; title where it is in title and abstract. `related`: words that go with yours; "
        "`related author`: who wrote what fitted best lately."
    )
    points: float = Field(examples=[1.5])
    text: str = Field(description="The same in one phrase.", examples=["LLM 1.5 (title)"])


class AuthorModel(BaseModel):
    name: str = Field(examples=["Émilie du Châtelet"])
    affiliation: str | None = Field(default=None, description="Where arXiv gives one.")


class LinksModel(BaseModel):
    abs: str = Field(description="arXiv's page of the paper.", examples=["https://arxiv.org/abs/2401.01234"])
    pdf: str
    html: str = Field(description="arXiv's HTML rendering, which it does not have of every paper.")


class PaperModel(BaseModel):
    """What is stored of a paper, in its newest announced version."""

    id: str = Field(description="arXiv's identifier without a version.", examples=["2401.01234", "hep-th/9901001"])
    version: int
    title: str = Field(description="Unicode; TeX is resolved.")
    authors: list[AuthorModel]
    abstract: str
    primary_category: str = Field(examples=["cs.LG"])
    categories: list[str] = Field(description="The primary one first.")
    links: LinksModel
    licence: str | None = Field(default=None, description="The address of the licence, where known.")
    doi: str | None = None
    journal_reference: str | None = None
    comment: str | None = None


class SectionModel(BaseModel):
    name: SectionName | None = Field(description="Null for what the model added to the four that it was asked for.")
    heading: str
    markdown: str = Field(description="CommonMark with GFM tables and LaTeX; no HTML, links as in `html`.")
    html: str = Field(description="Ready to show: no script, style or image, links only to what the paper links to.")


class UsageModel(BaseModel):
    """What the calls for a summary used, those in vain included."""

    calls: int
    input_tokens: int
    output_tokens: int
    seconds: float
    cost: float = Field(description="In the currency of ai_summary.prices; 0 where no price is known.")


class ChecksModel(BaseModel):
    """What was found when the summary was held against what the model had read."""

    flags: list[str] = Field(description="Doubts that do not spoil it.", examples=[["unverified"]])
    numbers: int = Field(description="How many numbers were looked for.")
    unsupported: float | None = Field(
        description="The share of them that is not there; null where none was looked for."
    )


class SummaryModel(BaseModel):
    """A summary that a model wrote of one version of a paper."""

    tldr: str = Field(description="One sentence, empty where the model wrote none.")
    tldr_html: str
    sections: list[SectionModel]
    model: str = Field(examples=["qwen-long"])
    language: str = Field(description="BCP 47.", examples=["zh"])
    source: SourceKind = Field(description="What the model read.")
    version: int = Field(description="The version of the paper.")
    prompt: str = Field(description="The version of the prompt.")
    written_at: datetime
    origin: str = Field(description="Model, language and source in a sentence.")
    checks: ChecksModel
    usage: UsageModel
    request_id: str = Field(description="What the model's service calls the request.")


class ItemModel(PaperModel):
    """A paper as a feed lists it."""

    mailing: date = Field(description="The mailing it is listed under, a day in US Eastern time.")
    published: datetime = Field(description="When that mailing appeared.")
    updated: datetime = Field(
        description="When the newest mailing that changed it appeared, or its summary was written."
    )
    announce_type: AnnounceType = Field(description="The best within the categories asked for.")
    announce_types: dict[str, AnnounceType] = Field(description="Per category, as far as announced.")
    score: float = Field(description="The sum of the reasons' points; 0 for no match.", examples=[2.5])
    reasons: list[ReasonModel] = Field(description="Heaviest first.")
    summary: SummaryModel | None = Field(default=None, description="Null where there is no summary.")
    summary_absence: str | None = Field(
        default=None,
        description="Why there is no summary; null where there is one.",
        examples=["No AI summary: the budget for summaries is used up for now."],
    )


class Answer(BaseModel):
    """What every JSON answer has."""

    sample_data: bool = Field(description="True where the papers are made up.")
    notices: list[str] = Field(default=[], description="What a reader must know, such as that data are old.")


class PaperList(Answer):
    """The listed papers of a selection, best first."""

    scope: str = Field(description="In canonical form.", examples=["default", "cs.AI+cs.LG"])
    total: int = Field(description="How many papers there are on all pages.")
    items: list[ItemModel] = Field(
        description="Best first; ties go to the newer mailing, then to the newer identifier."
    )
    next_cursor: str | None = Field(
        default=None, description="Give it as `cursor` for the next page; null on the last."
    )


class AnnouncementModel(BaseModel):
    """One mailing that announced a paper."""

    mailing: date
    version: int
    types: dict[str, AnnounceType]


class PaperDetail(Answer):
    """One stored paper with all its announcements."""

    paper: PaperModel
    announcements: list[AnnouncementModel] = Field(description="Oldest first.")
    summaries: list[SummaryModel] = Field(description="All that there are, in any language and of any version.")


class RuleModel(BaseModel):
    """One rule of the selection, and what it says of the paper."""

    kind: RuleKind
    rule: str = Field(description="The term, the exclusion, or what is asked for.", examples=["speculative"])
    is_hit: bool = Field(description="Whether it applies to this paper; of exclusions, whether it keeps the paper out.")
    field: Place | None = Field(default=None, description="Where a term was found.")
    points: float = Field(default=0.0, description="What it gives.")
    detail: str = Field(default="", description="What decided.", examples=["rank 31 of 30"])


class Explanation(Answer):
    """Why a paper is in a feed, or why not."""

    scope: str
    id: str
    title: str
    is_listed: bool
    outcome: Outcome = Field(description="`listed`, or what kept it out.")
    detail: str = Field(description="What decided, empty where the outcome says it all.", examples=["2 of 2.5 points"])
    mailing: date
    announce_type: AnnounceType
    rank: int | None = Field(default=None, description="Among the papers of its mailing that reached the cap, from 1.")
    score: float
    reasons: list[ReasonModel]
    rules: list[RuleModel] = Field(description="Every rule that was looked at, hit or miss, in the order of looking.")
    min_score: float
    max_papers: int


class FeedModel(BaseModel):
    """One feed to subscribe to."""

    scope: str
    title: str
    description: str
    categories: list[str]
    rss: str
    atom: str
    jsonfeed: str


class FeedList(Answer):
    feeds: list[FeedModel]
    opml: str


class CategoryModel(BaseModel):
    id: str = Field(examples=["cs.AI"])
    name: str = Field(examples=["Artificial Intelligence"])
    group: str = Field(examples=["Computer Science"])
    is_configured: bool = Field(description="Whether a profile follows it.")
    rss: str


class CategoryList(Answer):
    categories: list[CategoryModel]


class KeywordModel(BaseModel):
    term: str
    weight: float


class ProfileModel(BaseModel):
    """A profile as config.json has it, with defaults filled in."""

    name: str
    categories: list[str]
    query: str | None = Field(default=None, description="What a paper must be found by.")
    keywords: list[KeywordModel]
    exclude_keywords: list[str]
    authors: list[KeywordModel]
    announce_types: list[AnnounceType]
    likes: list[str] = Field(description="Papers to find more of.")
    dislikes: list[str] = Field(description="Papers to find less of.")
    match: MatchMode
    ranking: Ranking
    min_score: float
    max_papers: int = Field(description="The cap of each mailing.")
    days_back: int
    summaries: bool = Field(description="Whether papers of this profile get and show summaries.")
    language: str = Field(description="The language of its summaries.", examples=["zh"])


class ConfigAnswer(Answer):
    """The public part of the configuration; nothing of it is secret."""

    default: ProfileModel
    profiles: list[ProfileModel]
    warnings: list[str]


class OriginConfig(Answer):
    """The default profile under the keys that config.json has at its top."""

    categories: list[str]
    keywords: list[str]
    exclude_keywords: list[str]
    announce_types: list[AnnounceType]
    match: MatchMode
    ranking: Ranking
    min_score: float
    max_papers: int
    days_back: int
    profiles: list[str] = Field(description="The names of the others.")


class PaperListParameters(SelectionParameters):
    """The parameters of a list of papers."""

    scope: str = Field(
        default=DEFAULT_PROFILE, max_length=300, description="A category, several joined by +, or a profile's name."
    )
    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS), IN_DIGITS] = Field(
        default=DEFAULT_LIMIT, description="Papers on one page."
    )
    cursor: str | None = Field(default=None, max_length=300, description="The `next_cursor` of the page before.")


class ExplainParameters(FeedParameters):
    """The parameters of an explanation."""

    id: str = Field(
        max_length=60, description="arXiv's identifier, with or without a version.", examples=["2401.01234"]
    )
    scope: str = Field(default=DEFAULT_PROFILE, max_length=300, description="The feed to explain.")


@router.get("/api/papers", response_model=PaperList)
async def list_papers(
    request: Request, parameters: Annotated[PaperListParameters, Query()], service: ServiceDependency
) -> Response:
    """The papers that a feed lists, best first, with score and reasons, page by page."""
    selection = parse_selection(parameters.scope, parameters, service.config)
    start_after = _parse_cursor(parameters.cursor)
    answered = await service.select(selection)
    best = answered.selected.best
    remaining = [item for item in best if start_after is None or rank_key(item) > start_after]
    page = remaining[: parameters.limit]
    answer = PaperList(
        sample_data=service.sample_data,
        notices=list(answered.notices),
        scope=selection.scope,
        total=len(best),
        items=[_item_model(item, service) for item in page],
        next_cursor=_cursor(page[-1]) if len(remaining) > len(page) else None,
    )
    feed = service.build_feed(answered)
    representation = represent(
        _dump(answer), MEDIA_TYPE, last_modified=service.last_modified(feed, answered.selected.revision)
    )
    return service.respond(request, representation, answered.currency)


@router.get("/api/papers/{paper_id:path}", response_model=PaperDetail)
async def show_paper(
    request: Request,
    paper_id: Annotated[str, Path(description="arXiv's identifier.", examples=["2401.01234", "hep-th/9901001"])],
    service: ServiceDependency,
) -> Response:
    """One stored paper with everything that is known of it. The path takes old identifiers with their slash."""
    record = await service.catalogue.find(parse_paper_number(paper_id))
    tried = (await service.store.load_attempts((record.paper.id,))).get(record.paper.id, ())
    answer = PaperDetail(
        sample_data=service.sample_data,
        notices=list(service.sample_notices),
        paper=PaperModel(**_paper_fields(record.paper)),
        announcements=[_announcement_model(record, place) for place in range(len(record.announcements))],
        summaries=[written for one in tried if (written := _summary_model(one, record.paper))],
    )
    return await service.respond_stored(request, _dump(answer), MEDIA_TYPE)


@router.get("/api/explain", response_model=Explanation)
async def explain(
    request: Request, parameters: Annotated[ExplainParameters, Query()], service: ServiceDependency
) -> Response:
    """Why one stored paper is in a feed, or what kept it out, with the score and the reasons that it has there."""
    selection = parse_selection(parameters.scope, parameters, service.config, limit=parameters.limit)
    number = parse_paper_number(parameters.id)
    try:
        answered = await service.select(selection)
    except NothingStored as nothing:  # of the scope; the paper can be stored all the same
        notices = (*service.sample_notices, str(nothing))
        explained = await _explain_or_raise(service, number, selection, nothing)
    else:
        notices = answered.notices
        explained = await service.catalogue.explain(number, selection, answered.selected)
    answer = _explanation(explained, selection, notices, sample_data=service.sample_data)
    return await service.respond_stored(request, _dump(answer), MEDIA_TYPE)


@router.get("/api/feeds", response_model=FeedList, tags=["feeds"])
async def show_feeds(request: Request, service: ServiceDependency) -> Response:
    """Every feed of this service with its addresses."""
    answer = FeedList(
        sample_data=service.sample_data,
        notices=list(service.sample_notices),
        feeds=[
            FeedModel(
                scope=selection.scope,
                title=feed_title(selection, sample_data=service.sample_data),
                description=describe(selection),
                categories=list(selection.profile.categories),
                rss=addresses.rss,
                atom=addresses.atom,
                jsonfeed=addresses.json,
            )
            for selection, addresses in list_feeds(service)
        ],
        opml=f"{service.settings.public_address}/opml",
    )
    return service.respond_configured(request, _dump(answer), MEDIA_TYPE)


@router.get("/api/categories", response_model=CategoryList)
async def show_categories(request: Request, service: ServiceDependency) -> Response:
    """Every category that arXiv announces papers in; each one is a feed, configured or not."""
    configured = set(service.config.categories)
    answer = CategoryList(
        sample_data=service.sample_data,
        notices=list(service.sample_notices),
        categories=[
            CategoryModel(
                id=category.id,
                name=category.name,
                group=category.group,
                is_configured=category.id in configured,
                rss=f"{service.settings.public_address}/rss/{category.id}",
            )
            for category in CATEGORIES.values()
        ],
    )
    return service.respond_configured(request, _dump(answer), MEDIA_TYPE)


@router.get("/api/config", response_model=ConfigAnswer)
async def show_config(request: Request, service: ServiceDependency) -> Response:
    """The profiles that this service was configured with."""
    answer = ConfigAnswer(
        sample_data=service.sample_data,
        notices=list(service.sample_notices),
        default=_profile_model(service.config.default),
        profiles=[_profile_model(profile) for profile in service.config.profiles],
        warnings=list(service.config.warnings),
    )
    return service.respond_configured(request, _dump(answer), MEDIA_TYPE)


@router.get("/config", response_model=OriginConfig)
async def show_origin_config(request: Request, service: ServiceDependency) -> Response:
    """The default profile in short, under the address and the keys that the origin had."""
    default = service.config.default
    answer = OriginConfig(
        sample_data=service.sample_data,
        notices=list(service.sample_notices),
        categories=list(default.categories),
        keywords=[keyword.term for keyword in default.keywords],
        exclude_keywords=list(default.exclude_keywords),
        announce_types=list(default.announce_types),
        match=default.match,
        ranking=default.ranking,
        min_score=default.min_score,
        max_papers=default.max_papers,
        days_back=default.days_back,
        profiles=[profile.name for profile in service.config.profiles],
    )
    return service.respond_configured(request, _dump(answer), MEDIA_TYPE)


async def _explain_or_raise(service: Service, number: str, selection: Selection, nothing: NothingStored) -> Explained:
    try:
        return await service.catalogue.explain(number, selection)
    except UnknownPaper:
        raise nothing from None


def _dump(answer: Answer) -> bytes:
    return answer.model_dump_json(indent=1).encode()


def parse_paper_number(text: str) -> str:
    """The identifier in *text* without its version. What is none names no paper, so it raises UnknownPaper."""
    try:
        return parse_citation(text).number
    except ValueError as error:
        raise UnknownPaper(text[:100], reason=str(error)) from error


def _paper_fields(paper: Paper) -> dict[str, Any]:  # Any: the fields of PaperModel, which checks them
    return {
        "id": paper.id,
        "version": paper.version,
        "title": paper.title,
        "authors": [AuthorModel(name=author.name, affiliation=author.affiliation) for author in paper.authors],
        "abstract": paper.abstract,
        "primary_category": paper.primary_category,
        "categories": list(paper.categories),
        "links": LinksModel(abs=paper.abs_url, pdf=paper.pdf_url, html=paper.html_url),
        "licence": paper.licence,
        "doi": paper.doi,
        "journal_reference": paper.journal_reference,
        "comment": paper.comment,
    }


def _item_model(item: Item, service: Service) -> ItemModel:
    return ItemModel(
        **_paper_fields(item.paper),
        mailing=item.mailing,
        published=item.published,
        updated=item.updated,
        announce_type=item.announce_type,
        announce_types=dict(item.announce_types),
        score=item.score.value,
        reasons=_reason_models(item),
        summary=_summary_model(item.attempt, item.paper),
        summary_absence=None if item.summary else why_no_summary(item, service),
    )


def why_no_summary(item: Item, service: Service) -> str:
    """Why *item* has none, in a sentence."""
    return build_absence(item) or service.summaries.obstacle or _NOT_WANTED


def _summary_model(attempt: Attempt | None, paper: Paper) -> SummaryModel | None:
    if attempt is None or attempt.summary is None:
        return None
    summary = attempt.summary
    return SummaryModel(
        tldr=plain_text(summary.tldr),
        tldr_html=summary.tldr_html,
        sections=[SectionModel(**asdict(section)) for section in summary.sections],
        model=summary.model,
        language=attempt.key.language,
        source=summary.source,
        version=attempt.key.version,
        prompt=attempt.key.prompt,
        written_at=attempt.at,
        origin=tell_origin(attempt, paper),
        checks=ChecksModel(flags=list(summary.flags), numbers=summary.numbers, unsupported=summary.unsupported),
        usage=UsageModel(**asdict(attempt.usage)),
        request_id=attempt.request_id,
    )


def _reason_models(item: Item) -> list[ReasonModel]:
    return [
        ReasonModel(term=reason.term, field=reason.field, points=reason.points, text=str(reason))
        for reason in item.score.reasons
    ]


def _announcement_model(record: PaperRecord, place: int) -> AnnouncementModel:
    announcement = record.announcements[place]
    return AnnouncementModel(mailing=announcement.mailing, version=announcement.version, types=dict(announcement.types))


def _explanation(
    explained: Explained, selection: Selection, notices: Sequence[str], *, sample_data: bool
) -> Explanation:
    verdict = explained.verdict
    item = verdict.item
    return Explanation(
        sample_data=sample_data,
        notices=list(notices),
        scope=selection.scope,
        id=item.paper.id,
        title=item.paper.title,
        is_listed=verdict.outcome is Outcome.LISTED,
        outcome=verdict.outcome,
        detail=verdict.detail,
        mailing=item.mailing,
        announce_type=item.announce_type,
        rank=verdict.rank,
        score=item.score.value,
        reasons=_reason_models(item),
        rules=list(list_rules(explained, selection)),
        min_score=selection.profile.min_score,
        max_papers=selection.profile.max_papers,
    )


def list_rules(explained: Explained, selection: Selection) -> Iterator[RuleModel]:
    """Every rule of *selection* in the order in which it is looked at, with what it says of the paper."""
    verdict, profile = explained.verdict, selection.profile
    item = verdict.item
    is_of_categories = verdict.outcome is not Outcome.OTHER_CATEGORIES
    yield RuleModel(
        kind="category",
        rule=" or ".join(profile.categories),
        is_hit=is_of_categories,
        detail=f"announced in {', '.join(category for category, _ in item.announce_types)}",
    )
    if is_of_categories:
        yield RuleModel(
            kind="days",
            rule=f"the mailing of {selection.mailing}" if selection.mailing else f"the last {profile.days_back} days",
            is_hit=verdict.outcome is not Outcome.OTHER_DAYS,
            detail=f"announced in the mailing of {item.mailing}",
        )
    yield RuleModel(
        kind="announce type",
        rule=" or ".join(profile.announce_types),
        is_hit=item.announce_type in profile.announce_types,
        detail=f"announced as {item.announce_type}",
    )
    for entry, is_hit in explained.exclusions:
        yield RuleModel(kind="exclusion", rule=entry, is_hit=is_hit)
    if explained.is_found is not None:
        yield RuleModel(kind="query", rule=str(profile.query), is_hit=explained.is_found)
    for part, is_hit in explained.unwanted:
        yield RuleModel(kind="NOT in the query", rule=part, is_hit=is_hit)
    for entry, is_hit in explained.entries:
        yield RuleModel(kind="keyword entry", rule=entry, is_hit=is_hit)
    for check in explained.checks:
        is_hit = check.field is not None
        kind: RuleKind = "term of the query" if check.kind == "query" else check.kind
        yield RuleModel(kind=kind, rule=check.term, is_hit=is_hit, field=check.field, points=check.points)
    enough = profile.min_score <= 0 or item.score.value >= profile.min_score
    yield RuleModel(
        kind="min_score",
        rule=say_points(profile.min_score),
        is_hit=enough,
        detail=f"{say_points(item.score.value)} points",
    )
    if verdict.rank is not None:
        yield RuleModel(
            kind="cap",
            rule=f"{profile.max_papers} of each mailing",
            is_hit=verdict.rank <= profile.max_papers,
            detail=f"rank {verdict.rank} in the mailing of {item.mailing}",
        )
        is_over = verdict.outcome is Outcome.OVER_CAP and verdict.rank <= profile.max_papers
        if is_over or selection.limit < MAX_ITEMS:
            detail = verdict.detail if is_over else ""
            yield RuleModel(kind="limit", rule=f"{selection.limit} in all", is_hit=not is_over, detail=detail)


def _profile_model(profile: Profile) -> ProfileModel:
    return ProfileModel(
        name=profile.name,
        categories=list(profile.categories),
        query=str(profile.query) if profile.query else None,
        keywords=_keyword_models(profile.keywords),
        exclude_keywords=list(profile.exclude_keywords),
        authors=_keyword_models(profile.authors),
        announce_types=list(profile.announce_types),
        likes=list(profile.likes),
        dislikes=list(profile.dislikes),
        match=profile.match,
        ranking=profile.ranking,
        min_score=profile.min_score,
        max_papers=profile.max_papers,
        days_back=profile.days_back,
        summaries=profile.summaries != "none",
        language=profile.language,
    )


def _keyword_models(keywords: Sequence[Keyword]) -> list[KeywordModel]:
    return [KeywordModel(term=keyword.term, weight=keyword.weight) for keyword in keywords]


def _cursor(item: Item) -> str:
    """The place of *item* in the order of lists, as an opaque text; it stays right when papers come or go."""
    return base64.urlsafe_b64encode(json.dumps(rank_key(item)).encode()).decode().rstrip("=")


def _parse_cursor(cursor: str | None) -> tuple[float, int, int, int, str] | None:
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = _PLACE.validate_json(text, strict=True)
        if not math.isfinite(place[0]):
            raise ValueError("nothing comes before or after such a place")  # noqa: TRY301 - one way to refuse
    except (ValueError, binascii.Error) as error:
        raise BadQuery("cursor", "is not a next_cursor of this service; leave it out for the first page") from error
    return place
