"""The command line: everything that an operator does. Typer and rich are imported here and nowhere else."""

from __future__ import annotations

import asyncio
import codecs
import errno
import io
import os
import signal
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.feeds import list_feeds
from api.logs import set_up_logging
from api.papers import list_rules, parse_paper_number
from api.selection import SelectionParameters, addresses_of, feed_title, parse_scope, parse_selection
from api.server import bind, serve
from api.service import Service, tell_unknown
from api.status import CategoryStatus, load_status
from api.wiring import build_service, create_app
from api.wiring import read_settings as read_environment
from core.catalogue import LEDGER, MAX_ITEMS, Explained, Outcome, Selected, Selection
from core.config import DEFAULT_PROFILE, load_config
from core.errors import (
    ArxivFeedsError,
    BadConfig,
    BadQuery,
    RefreshUnderWay,
    SourceMalformed,
    SourceUnavailable,
    StoreUnavailable,
)
from core.feeds.digest import Digest, build_digests, find_newest, render_digest, say
from core.feeds.digest_files import write_between, write_folder
from core.feeds.digest_page import render_digest_page
from core.feeds.mail import MailSettings, build_mail_settings, build_message, send
from core.healing import HealingReport
from core.intake import Report
from core.mailings import EASTERN, eastern_date, explain_missing
from core.profiles import say_points
from core.reading_list import find_paper_ids
from core.settings import Settings
from core.store.records import Ledger
from core.summaries.attempts import Run
from core.summaries.job import Progress as Done
from core.summaries.options import ALL_MISSING, Order

T = TypeVar("T")

_GOOD_SECRET_LENGTH = 16  # what Vercel asks for
_CLOCK_TOLERANCE = timedelta(minutes=2)  # an answer may take half a minute

app = typer.Typer(
    name="arxiv-feeds",
    help="arXiv's daily announcements, filtered and ranked by your keywords, as feeds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

_out = Console(highlight=False)
_log = Console(stderr=True, highlight=False)

Host = Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every one of this machine.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on; PORT by default.")]


Scope = Annotated[str, typer.Argument(help="A category, several joined by +, or a profile.")]
Query = Annotated[str | None, typer.Option("--q", help="Only what this query finds, ranked by its terms.")]
Authors = Annotated[str | None, typer.Option("--au", help="Authors to follow, separated by semicolons.")]
Like = Annotated[str | None, typer.Option(help="Papers to find more of, by identifiers joined by commas.")]
LikeFile = Annotated[
    Path | None, typer.Option(help="The same from a file: BibTeX, OPML or a list.", exists=True, dir_okay=False)
]
Dislike = Annotated[str | None, typer.Option(help="Papers to find less of.")]
Exclude = Annotated[str | None, typer.Option(help="Nothing with one of these terms, joined by commas.")]
Types = Annotated[str | None, typer.Option(help="Announce types, joined by commas.")]
MinScore = Annotated[float | None, typer.Option(help="Least points.")]
Days = Annotated[int | None, typer.Option(help="Calendar days up to the newest mailing.")]
_OPTIONS = frozenset({"q", "au", "like", "dislike", "exclude", "types", "min-score", "days", "mailing"})
MailingDay = Annotated[str | None, typer.Option(help="One mailing only, as a date such as 2026-03-05.")]


def main() -> None:
    """Run the command line; an error of ours is one line on stderr and exit code 1."""
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):  # a window that is closed hangs up
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _end)
    _open_outputs()
    try:
        app()
    except ArxivFeedsError as error:
        option = "--" if isinstance(error, BadQuery) and error.parameter in _OPTIONS else ""
        _log.print(f"[red]arxiv-feeds:[/red] {option}{escape(str(error))}", soft_wrap=True)
        sys.exit(1)
    except BrokenPipeError:  # whoever reads has enough
        _discard_output()
        sys.exit(1)
    except OSError as error:
        if error.filename is None and error.errno not in {errno.ENOSPC, errno.EIO, errno.EBADF}:
            raise
        _discard_output()
        what = escape(str(error.filename or "the output"))
        _log.print(f"[red]arxiv-feeds:[/red] {what} cannot be used ({error.strerror})", soft_wrap=True)
        sys.exit(1)


def _open_outputs() -> None:
    """Let nothing that is printed fail for where it goes: into an old encoding, or nowhere."""
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or sys.stdout
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Let the end of the process not fail once more for what is still to be written."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(number: int, _: object) -> NoReturn:
    """End in good order, so that temporary folders go too."""
    sys.exit(128 + number)


def read_settings() -> Settings:
    """The settings of this process, which from now on logs as they say. Raises BadConfig."""
    settings = read_environment()
    set_up_logging(settings)
    return settings


@app.command("serve")
def serve_command(
    host: Host = "127.0.0.1",
    port: Port = None,
    *,
    sample: Annotated[bool, typer.Option(help="With nothing stored and arXiv out of reach, serve sample data.")] = True,
) -> None:
    """Serve the feeds, and refresh them when a mailing is due."""
    settings = read_settings()
    settings = settings.model_copy(update={"port": port or settings.port})
    application = create_app(settings)
    service: Service = application.state.service
    _warn(service)
    with bind(host, settings.port) as listening:
        failure = asyncio.run(_closing(service, _fetch_first(service))) if sample else None
        if failure is None:
            _print_addresses(service)
            serve(application, listening)
            return
        _log.print(
            f"[yellow]arXiv cannot be reached and nothing is stored yet:[/yellow] {escape(str(failure))}",
            soft_wrap=True,
        )
        _log.print("Serving sample data instead. Start again when arXiv can be reached.")
    _serve_sample(host, settings.port)


@app.command("demo")
def demo_command(host: Host = "127.0.0.1", port: Port = None) -> None:
    """Serve a made-up week of mailings, without any network."""
    _serve_sample(host, port or read_settings().port)


@app.command("refresh")
def refresh_command() -> None:
    """Ask arXiv for the configured categories now, and report what came of it."""
    service = build_service(read_settings())
    _warn(service)
    started = time.monotonic()
    refreshed = asyncio.run(_closing(service, _refresh_and_judge(service)))
    _print_report(refreshed, seconds=time.monotonic() - started)
    if refreshed.run is not None:
        _print_run(refreshed.run, currency=service.config.summaries.currency)


@app.command("summarize")
def summarize_command(
    papers: Annotated[
        list[str] | None, typer.Argument(help="arXiv's identifiers of stored papers; without any, what is missing.")
    ] = None,
    *,
    again: Annotated[bool, typer.Option(help="Also what has failed, and what is named.")] = False,
) -> None:
    """Write the summaries that are missing, within the budgets, and say what they took."""
    service = build_service(read_settings())
    _warn(service)
    if service.summaries.obstacle:
        raise BadConfig(service.summaries.obstacle)
    numbers = tuple(parse_paper_number(paper) for paper in papers or ())
    run = asyncio.run(_closing(service, _summarise(service, Order(numbers, is_forced=again))))
    _print_run(run, currency=service.config.summaries.currency)
    if run.failed or run.deferred:
        raise typer.Exit(1)


@app.command("papers")
def papers_command(
    scope: Scope = DEFAULT_PROFILE,
    *,
    limit: Annotated[int, typer.Option(min=1, max=MAX_ITEMS, help="Most papers.")] = 30,
    q: Query = None,
    au: Authors = None,
    like: Like = None,
    like_file: LikeFile = None,
    dislike: Dislike = None,
    exclude: Exclude = None,
    types: Types = None,
    min_score: MinScore = None,
    days: Days = None,
    mailing: MailingDay = None,
) -> None:
    """The best stored papers of a feed, with the reasons for their scores."""
    service = build_service(read_settings())
    _warn(service)
    told = {"q": q, "au": au, "like": like, "dislike": dislike, "exclude": exclude, "types": types, "mailing": mailing}
    selection = _choose(service, scope, like_file, {**told, "min_score": min_score, "days": days})
    selected = asyncio.run(_closing(service, service.catalogue.select(selection)))
    for notice in tell_unknown(selected):
        _log.print(f"[yellow]{escape(notice)}[/yellow]", soft_wrap=True)
    _print_papers(selection, selected, limit)


@app.command("explain")
def explain_command(
    paper: Annotated[str, typer.Argument(help="arXiv's identifier of a stored paper.")],
    scope: Scope = DEFAULT_PROFILE,
    *,
    q: Query = None,
    au: Authors = None,
    like: Like = None,
    like_file: LikeFile = None,
    dislike: Dislike = None,
    exclude: Exclude = None,
    types: Types = None,
    min_score: MinScore = None,
    days: Days = None,
    mailing: MailingDay = None,
) -> None:
    """Why a stored paper is in a feed, or what kept it out: every rule, hit or miss."""
    service = build_service(read_settings())
    _warn(service)
    told = {"q": q, "au": au, "like": like, "dislike": dislike, "exclude": exclude, "types": types, "mailing": mailing}
    selection = _choose(service, scope, like_file, {**told, "min_score": min_score, "days": days})
    number = parse_paper_number(paper)
    _print_explanation(asyncio.run(_closing(service, service.catalogue.explain(number, selection))), selection)


@app.command("digest")
def digest_command(
    scope: Scope = DEFAULT_PROFILE,
    *,
    out: Annotated[Path | None, typer.Option(help="A folder, for a file per mailing and an index.")] = None,
    readme: Annotated[Path | None, typer.Option(help="A file, for its lines between two markers.")] = None,
    html: Annotated[bool, typer.Option(help="Pages of HTML: in the folder too, or in place of the Markdown.")] = False,
    mail: Annotated[
        bool, typer.Option(help="Mail today's as well, unless its file is unchanged and no mail of it failed.")
    ] = False,
    mailing: MailingDay = None,
) -> None:
    """Write the stored mailings as digests: into a folder or a file, by mail, or the newest one to the terminal."""
    service = build_service(read_settings())
    _warn(service)
    selection = parse_selection(scope, _parameters({"mailing": mailing}), service.config)
    post = _mail_settings(service.settings) if mail else None  # a mistake in them is told before anything is written
    today = selection.mailing or eastern_date(service.clock())
    digests = asyncio.run(_closing(service, _digest(service, selection, today)))
    newest = find_newest(digests, today=today)
    if newest is None:
        silence = selection.mailing and explain_missing(selection.mailing, None)
        told = "Nothing is stored of this feed and mailing: `refresh` asks arXiv for the configured categories."
        _log.print(silence or told, soft_wrap=True)
        raise typer.Exit(1)
    written = (
        *(write_folder(out, digests, with_pages=html) if out else ()),
        *((write_between(readme, newest),) if readme else ()),
    )
    for one in written:
        _out.print(f"{one.path}: {'written' if one.is_changed else 'unchanged'}", soft_wrap=True, markup=False)
    if post:
        of_today = [one for one in written if one.path == readme or one.path.stem == str(today)]
        mark = written[0].path.parent / f".unsent-{today}" if written else None
        is_news = not written or any(one.is_changed for one in of_today) or (mark is not None and mark.exists())
        _mail(digests[0] if is_news and digests[0].day == today else None, post, mark)
    elif not written:
        sys.stdout.write(render_digest_page(newest) if html else render_digest(newest))


@app.command("doctor")
def doctor_command() -> None:
    """Check configuration, secret, summaries, store, arXiv and clock; exit code 1 where something is wrong."""
    service = build_service(read_settings())
    findings = asyncio.run(_closing(service, _examine(service)))
    for finding in findings:
        mark = "[green]ok[/green]  " if finding.is_good else "[red]bad[/red] "
        _out.print(f"{mark} [bold]{finding.subject}[/bold]: {escape(finding.text)}", soft_wrap=True)
    if not all(finding.is_good for finding in findings):
        raise typer.Exit(1)


async def _closing(service: Service, work: Coroutine[Any, Any, T]) -> T:  # Any: what a coroutine is sent and yields
    """The result of *work*, with everything closed that it opened."""
    try:
        return await work
    finally:
        await service.close()


async def _fetch_first(service: Service) -> ArxivFeedsError | None:
    """Refresh where nothing is stored yet; the failure that leaves the store empty, None where there is something."""
    revision = await service.store.load_revision()
    if revision.newest_mailing is not None:
        return None
    with _log.status("Nothing is stored yet: asking arXiv for the newest mailing …"):
        try:
            await service.freshness.refresh()
        except (SourceUnavailable, SourceMalformed) as error:
            return error
        except RefreshUnderWay:  # another process on the same store; whether it found something, readers will see
            return None
    return None


def _serve_sample(host: str, port: int) -> None:
    from demo.sample import open_sample  # noqa: PLC0415 - only where no real data are served

    settings = read_settings()
    with bind(host, port) as listening, open_sample(settings.model_copy(update={"port": port})) as sample:
        config = sample.configure(load_config(sample.settings.config_file))
        application = create_app(sample.settings, config=config, sample_data=True)
        service: Service = application.state.service
        with Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=_log
        ) as progress:
            task = progress.add_task("Sample mailings", total=len(sample.week))

            def tell(mailing: object, report: Report) -> None:
                progress.update(task, advance=1, description=f"Mailing of {mailing}")
                progress.console.print(f"{mailing}: {_ledger_line(report.ledger)}")

            asyncio.run(_closing(service, sample.refresh_through_week(service.freshness.refresh, tell=tell)))
        _print_run(asyncio.run(_closing(service, _summarise(service, ALL_MISSING))), currency="")
        _log.print("[yellow]These are sample data: every paper is made up.[/yellow]")
        _print_addresses(service)
        serve(application, listening)


async def _summarise(service: Service, order: Order) -> Run:
    """What a run came to, with a bar that shows how far it is. Raises UnknownPaper."""
    for paper in order.paper_ids:
        await service.catalogue.find(paper)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_log,
    ) as progress:
        task = progress.add_task("Writing summaries", total=None)

        def tell(so_far: Done) -> None:
            text = f"Writing summaries: {so_far.usage.tokens:,} tokens"
            progress.update(task, completed=so_far.done, total=so_far.total, description=text)

        run = await service.summaries.build().run(order, tell=tell)
        progress.update(task, visible=bool(run.written or run.failed or run.deferred))
        return run


@dataclass(frozen=True, slots=True)
class _Refreshed:
    """What came of a refresh and of what followed it, what each profile makes of the data, and how they stand."""

    report: Report
    healing: HealingReport
    selected: dict[str, Selected]
    standing: list[CategoryStatus]
    run: Run | None


async def _refresh_and_judge(service: Service) -> _Refreshed:
    names = [DEFAULT_PROFILE, *(profile.name for profile in service.config.profiles)]
    selected: dict[str, Selected] = {}
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=_log
    ) as progress:
        task = progress.add_task("Asking arXiv and storing", total=1 + len(names))
        report = await service.freshness.try_refresh()
        progress.update(task, advance=1, description="Asking for what no feed brought")
        healing = await service.freshness.heal(tell=lambda so_far: progress.update(task, description=_healed(so_far)))
        for name in names:
            progress.update(task, description=f"Judging papers for {name}")
            _, profile = parse_scope(name, service.config)
            selected[name] = await service.catalogue.select(Selection(name, profile))
            progress.advance(task)
    standing = [one for asked in (await load_status(service)).sets if asked.is_configured for one in asked.categories]
    is_away = isinstance(report, SourceUnavailable)
    run = None if service.summaries.obstacle else await _summarise(service, Order(waits_for_texts=is_away))
    if isinstance(report, ArxivFeedsError):
        raise report
    return _Refreshed(report, healing, selected, standing, run)


def _healed(so_far: HealingReport) -> str:
    return f"Asking for what no feed brought: {so_far.ledger.new} found in {so_far.requests} request(s)"


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that was examined, and whether it is as it should be."""

    subject: str
    is_good: bool
    text: str


async def _examine(service: Service) -> list[_Finding]:
    """Everything that can be wrong with a deployment; arXiv is asked as by a refresh, and no paper is stored."""
    return [
        _examine_configuration(service),
        _examine_secret(service),
        _examine_summaries(service),
        await _examine_store(service),
        *await _examine_arxiv(service),
    ]


def _examine_configuration(service: Service) -> _Finding:
    config = service.config
    profiles = 1 + len(config.profiles)
    text = f"{service.settings.config_file}: {profiles} profile(s), categories {', '.join(config.categories)}"
    return _Finding("configuration", True, "; ".join((text, *config.warnings)))


def _examine_secret(service: Service) -> _Finding:
    secret = service.settings.cron_secret
    if secret is None:
        return _Finding("secret", True, "CRON_SECRET is not set, so refreshing over HTTP is closed")
    is_long = len(secret) >= _GOOD_SECRET_LENGTH
    text = "CRON_SECRET is set" if is_long else f"CRON_SECRET has fewer than {_GOOD_SECRET_LENGTH} characters"
    return _Finding("secret", is_long, text)


def _examine_summaries(service: Service) -> _Finding:
    options = service.config.summaries
    if service.summaries.obstacle:
        return _Finding("summaries", True, service.summaries.obstacle)
    is_temporary = service.settings.vercel or service.settings.aws_lambda_function_name
    if is_temporary and not service.store.is_shared:
        return _Finding(
            "summaries", False, "each instance would pay for its own here; set REDIS_URL for a shared store"
        )
    language = ", ".join(dict.fromkeys(profile.language for profile in service.config.every_profile))
    text = (
        f"written by {', else '.join(options.models)} in {language}, of the best {options.papers} papers of a mailing"
    )
    return _Finding("summaries", True, text)


async def _examine_store(service: Service) -> _Finding:
    try:
        revision = await service.store.load_revision()
    except StoreUnavailable as error:
        return _Finding("store", False, str(error))
    newest = revision.newest_mailing or "none"
    return _Finding("store", True, f"{service.store.name}: revision {revision.number}, newest mailing {newest}")


async def _examine_arxiv(service: Service) -> list[_Finding]:
    """Whether arXiv answers, and whether its clock agrees with this machine's."""
    try:
        announced = await service.source.fetch_announcements(service.config.categories)
    except (SourceUnavailable, SourceMalformed) as error:
        return [_Finding("arXiv", False, str(error)), _examine_clock(service, None)]
    except StoreUnavailable:
        text = "it was not asked: without the store nobody knows whether others are asking it just now"
        return [_Finding("arXiv", False, text), _examine_clock(service, None)]
    text = (
        f"{service.settings.arxiv_rss_base} lists {len(announced.entries)} papers in its mailing of {announced.mailing}"
    )
    for refused in announced.refused:
        text += f"; it refuses {refused.category} ({refused.reason.rstrip('.')})"
    return [_Finding("arXiv", not announced.refused, text), _examine_clock(service, announced.answered_at)]


def _examine_clock(service: Service, theirs: datetime | None) -> _Finding:
    ours = service.clock()
    text = f"{ours.astimezone(EASTERN):%Y-%m-%d %H:%M} in US Eastern time"
    if theirs is None:
        return _Finding("clock", True, f"{text}; arXiv gave no time to compare it with")
    difference = abs(ours - theirs)
    return _Finding(
        "clock", difference <= _CLOCK_TOLERANCE, f"{text}; {difference.total_seconds():.0f} seconds from arXiv's"
    )


def _choose(service: Service, scope: str, like_file: Path | None, given: Mapping[str, object]) -> Selection:
    """The selection that the options *given* ask for, with the likes of a file."""
    return parse_selection(scope, _parameters(given), service.config, likes=_read_likes(like_file))


def _parameters(given: Mapping[str, object]) -> SelectionParameters:
    """The parameters of a selection as on a URL. Raises BadQuery naming the option."""
    try:
        return SelectionParameters.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-")
        raise BadQuery(name, first["msg"].removeprefix("Value error, ")) from error


async def _digest(service: Service, selection: Selection, today: date) -> tuple[Digest, ...]:
    """The digests of *selection*, newest first, with what a reader must know in the first."""
    answered = await service.select(replace(selection, is_personal=True))  # arXiv is asked by `refresh`
    base = service.settings.base_url
    return build_digests(
        selection,
        answered.selected,
        title=feed_title(selection, sample_data=service.sample_data),
        today=today,
        notices=answered.notices,
        addresses=addresses_of(selection, base) if base else None,
    )


def _mail_settings(settings: Settings) -> MailSettings:
    return build_mail_settings(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user.get_secret_value() if settings.smtp_user else None,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        sender=settings.mail_from,
        recipients=settings.mail_to,
    )


def _mail(digest: Digest | None, settings: MailSettings, mark: Path | None) -> None:
    """Mail *digest*, where there is one to mail; the file *mark* stays behind where that fails. Raises MailNotSent."""
    if digest is None:
        _out.print("Not mailed: there is nothing new of today.")
        return
    if mark is not None:
        mark.touch()
    send(build_message(digest, settings), settings)
    for unsent in mark.parent.glob(".unsent-*") if mark else ():  # of earlier days too, which nobody waits for now
        unsent.unlink(missing_ok=True)
    _out.print(f"Mailed to {', '.join(one.addr_spec for one in settings.recipients)}", soft_wrap=True)


def _warn(service: Service) -> None:
    for warning in service.config.warnings:
        _log.print(f"[yellow]warning:[/yellow] {escape(warning)}", soft_wrap=True)


def _print_addresses(service: Service) -> None:
    _out.print("\n[bold]Feeds[/bold]")
    for selection, addresses in list_feeds(service):
        _out.print(f"  {escape(selection.scope):10} {escape(addresses.rss)}", soft_wrap=True)
    address = escape(service.settings.public_address)
    _out.print(f"The same as Atom under {address}/atom and as JSON Feed under {address}/jsonfeed.", soft_wrap=True)
    _out.print(f"[bold]Page[/bold] {address}/   [bold]JSON[/bold] {address}/docs\n", soft_wrap=True)


def _ledger_line(ledger: Ledger, what: str = "entries") -> str:
    return (
        f"{ledger.received} {what} received = {ledger.new} new + {ledger.updated} updated"
        f" + {ledger.duplicate} duplicate + {ledger.rejected} rejected"
    )


def _print_report(refreshed: _Refreshed, *, seconds: float) -> None:
    report, healing = refreshed.report, refreshed.healing
    mailing = f"mailing of {report.mailing}" if report.mailing else "nothing of a new mailing"
    _out.print(f"{', '.join(report.categories)}: {mailing}", soft_wrap=True)
    _out.print(_ledger_line(report.ledger), soft_wrap=True)
    if healing.requests:
        _out.print(f"What no feed brought: {_ledger_line(healing.ledger, 'papers')}", soft_wrap=True)
    for rejected in (*report.rejected, *healing.rejected):
        _out.print(f"  rejected {escape(say(rejected.entry))}: {escape(say(rejected.reason))}", soft_wrap=True)
    for notice in (*report.notices, *healing.notices):
        _out.print(f"[yellow]{escape(notice)}[/yellow]", soft_wrap=True)
    _print_standing(refreshed.standing)
    for name, verdicts in refreshed.selected.items():
        _print_ledger(name, verdicts)
    _out.print(f"{report.requests + healing.requests} request(s) to arXiv's feeds and search, {seconds:.1f} seconds")


def _print_run(run: Run, *, currency: str) -> None:
    usage = run.usage
    cost = f", {usage.cost:.4f} {currency}" if usage.cost else ""
    _out.print(
        f"Summaries: {run.written} written, {run.failed} failed, {run.deferred} left for later;"
        f" {usage.calls} call(s), {usage.input_tokens:,} + {usage.output_tokens:,} tokens{cost}",
        soft_wrap=True,
    )
    for failure in run.failures:
        request = f", request {failure.request_id}" if failure.request_id else ""
        _out.print(escape(f"  {failure.paper_id}: {failure.reason} ({failure.code}{request})"), soft_wrap=True)
    if run.notice:
        _out.print(f"[yellow]{escape(run.notice)}[/yellow]", soft_wrap=True)


def _print_standing(standing: Sequence[CategoryStatus]) -> None:
    """A row for each configured category: its last mailing, whether it is stale, what is missing, the next poll."""
    table = Table("category", "mailing", "papers", "healed", "stale", "missing", "next poll (UTC)")
    for one in standing:
        stale = f"since {one.stale_since:%Y-%m-%d %H:%M}" if one.stale_since else "no"
        table.add_row(
            one.category,
            str(one.mailing or "none yet"),
            str(one.papers),
            str(one.healed),
            f"[yellow]{stale}[/yellow]" if one.is_stale else stale,
            ", ".join(map(str, one.gaps)) or "nothing",
            f"{one.next_poll_at:%Y-%m-%d %H:%M}" if one.next_poll_at else "now",
        )
    _out.print(table)
    for because in dict.fromkeys(one.stale_because for one in standing if one.stale_because):
        _out.print(f"[yellow]{escape(because)}[/yellow]", soft_wrap=True)


def _print_ledger(name: str, selected: Selected) -> None:
    """What a profile makes of its newest mailing: announced = listed + filtered, reason by reason."""
    for mailing in selected.mailings[:1]:
        counted = selected.count(mailing)
        filtered = ", ".join(f"{counted[outcome]} {outcome}" for outcome in LEDGER[1:])
        _out.print(
            f"[bold]{escape(name)}[/bold], {mailing}: {sum(counted.values())} announced ="
            f" {counted[Outcome.LISTED]} listed + filtered ({filtered})",
            soft_wrap=True,
        )


def _read_likes(path: Path | None) -> tuple[str, ...]:
    """The papers that the file *path* names. Raises BadQuery where it cannot be read or names none."""
    if path is None:
        return ()
    try:
        ids = find_paper_ids(_decode(path.read_bytes()))
    except OSError as error:
        raise BadQuery("--like-file", f"{path} cannot be read ({error.strerror})") from error
    if not ids:
        raise BadQuery("--like-file", f"{path} names no paper of arXiv, as arXiv:2401.01234 or by an address")
    _log.print(
        f"{path} names {len(ids)} {'paper' if len(ids) == 1 else 'papers'} of arXiv", soft_wrap=True, markup=False
    )
    return ids


def _decode(body: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 as some systems write what a command prints."""
    is_utf_16 = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return body.decode("utf-16" if is_utf_16 else "utf-8-sig", errors="replace")


def _print_explanation(explained: Explained, selection: Selection) -> None:
    verdict = explained.verdict
    item = verdict.item
    what = f"{verdict.outcome}{f' ({verdict.detail})' if verdict.detail else ''}"
    title = escape(say(item.paper.title))
    _out.print(f"[bold]{title}[/bold] ({item.paper.id}), {escape(selection.scope)}", soft_wrap=True)
    _out.print(f"{escape(what)}; {say_points(item.score.value)} points", soft_wrap=True)
    table = Table("", "rule", "", "points")
    for rule in list_rules(explained, selection):
        told = rule.detail or (rule.field or "")
        points = say_points(rule.points) if rule.points else ""
        table.add_row(
            "[green]hit[/green]" if rule.is_hit else "[dim]miss[/dim]",
            f"{rule.kind}: {escape(say(rule.rule))}",
            escape(say(told)),
            points,
        )
    _out.print(table)


def _print_papers(selection: Selection, selected: Selected, limit: int) -> None:
    items = selected.best[:limit]
    if not items:
        _log.print(_why_empty(selection, selected), soft_wrap=True)
        raise typer.Exit(1)
    table = Table("", "score", "id", "mailing", "title and reasons")
    for rank, item in enumerate(items, start=1):
        reasons = ", ".join(map(str, item.score.reasons))
        text = f"[bold]{escape(say(item.paper.title))}[/bold]\n[dim]{escape(say(reasons))}[/dim]"
        table.add_row(str(rank), say_points(item.score.value), item.paper.id, str(item.mailing), text)
    _out.print(table)
    _out.print(f"{len(items)} of {len(selected.items)} listed papers of {selection.scope}")


def _why_empty(selection: Selection, selected: Selected) -> str:
    newest = selected.revision.newest_mailing
    if not selected.verdicts and selection.mailing and newest:
        return explain_missing(selection.mailing, newest)
    if not selected.verdicts:
        return (
            "Nothing is stored of this feed yet: `refresh` asks arXiv for the configured categories,"
            " and any other one is asked for when its feed is opened."
        )
    filtered = ", ".join(f"{number} by {outcome}" for outcome, number in selected.count().items() if number)
    return f"No stored paper is listed: {filtered}."
