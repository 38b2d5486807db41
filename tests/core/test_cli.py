"""The command line as people run it: processes of its own, on the stand-in for arXiv."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from rich.console import Console

from core import cli
from core.feeds.mail import MailNotSent, MailSettings
from demo.model import ModelStandIn
from demo.model_faults import FAULTS
from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, WEEK, refresh_through_week, running, write_config

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 30


@pytest.fixture
def arxiv() -> Iterator[ArxivStandIn]:
    with ArxivStandIn(WEEK) as standin:
        yield standin


@pytest.fixture
def settings(tmp_path: Path, arxiv: ArxivStandIn) -> dict[str, str]:
    return environment(tmp_path, arxiv)


def environment(folder: Path, arxiv: ArxivStandIn) -> dict[str, str]:
    """An environment in which nothing but *arxiv* can be asked and nothing but *folder* is written to."""
    temporary = folder / "temporary"
    temporary.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "ARXIV_RSS_BASE": arxiv.rss_base,
        "ARXIV_API_BASE": arxiv.api_base,
        "ARXIV_BASE": arxiv.base,
        "ARXIV_MIN_INTERVAL_SECONDS": "0",
        "STORE_URL": f"sqlite:///{folder / 'papers.sqlite3'}",
        "CONFIG_FILE": str(write_config(folder, CONFIG)),
        "TMPDIR": str(temporary),
        "COLUMNS": "200",
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings of a service that has the whole week stored and ranks by relevance. For asking only: arXiv is away."""
    folder = tmp_path_factory.mktemp("filled")
    with ArxivStandIn(WEEK) as standin:
        settings = environment(folder, standin)
        config = {key: value for key, value in CONFIG.items() if key != "ranking"}
        with running(folder, standin, config=config) as service:
            refresh_through_week(service, standin)
        yield settings | away(standin)


def run(
    settings: Mapping[str, str], *arguments: str, through: Sequence[str] = (), encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    """What comes of a command, which may be run *through* another program; *encoding* is that of what it prints."""
    return subprocess.run(
        [*through, sys.executable, "-m", "core", *arguments],
        cwd=ROOT,
        env=dict(settings),
        capture_output=True,
        encoding=encoding,
        timeout=LONGEST_SECONDS,
        check=False,
    )


def run_here(settings: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, which takes a tenth of the time; for what only reads, or is refused."""
    streams = io.StringIO(), io.StringIO()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with (
        mock.patch.dict(os.environ, settings, clear=True),
        mock.patch.object(sys, "argv", ["arxiv-feeds", *arguments]),
        mock.patch.object(cli, "_out", Console(highlight=False, width=int(settings["COLUMNS"]))),
        redirect_stdout(streams[0]),
        redirect_stderr(streams[1]),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return subprocess.CompletedProcess(arguments, status, *(stream.getvalue() for stream in streams))


def away(arxiv: ArxivStandIn) -> dict[str, str]:
    """Settings in which nobody listens where arXiv should be."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert base != arxiv.base
    return {"ARXIV_RSS_BASE": f"{base}/rss", "ARXIV_API_BASE": f"{base}/api/query", "ARXIV_BASE": base}


def test_refresh_accounts_for_every_entry_and_papers_ranks_what_is_kept(settings: dict[str, str]) -> None:
    refreshed = run(settings, "refresh")
    assert (refreshed.returncode, "Judging papers" in refreshed.stderr) == (0, True)
    assert "cs.AI, cs.CL, cs.DC, cs.LG: mailing of 2026-03-05" in refreshed.stdout
    assert "69 entries received = 69 new + 0 updated + 0 duplicate + 0 rejected" in refreshed.stdout
    ledgers = re.findall(
        r"^(\S+), 2026-03-05: (\d+) announced = (\d+) listed \+ filtered \((.+)\)$", refreshed.stdout, re.M
    )
    assert [name for name, *_ in ledgers] == ["default", "systems"]
    for _, announced, kept, filtered in ledgers:
        assert int(announced) == int(kept) + sum(map(int, re.findall(r"\d+", filtered)))

    listed = run(settings, "papers", "--limit", "3")
    scores = [float(score) for score in re.findall(r"^│ \d+ +│ ([\d.]+) +│", listed.stdout, re.M)]
    assert (listed.returncode, len(scores), scores) == (0, 3, sorted(scores, reverse=True))
    assert f"3 of {ledgers[0][2]} listed papers of default" in listed.stdout
    assert re.search(r"(LLM|attention|network|training|fast) [\d.]+( \(title\))?", listed.stdout)


def test_papers_of_a_mailing_that_is_not_stored_says_why(filled: dict[str, str]) -> None:
    ended = run_here(filled, "papers", "--mailing", "2026-02-28")
    assert (ended.returncode, ended.stderr) == (1, "arXiv had no mailing on 2026-02-28.\n")


def test_papers_with_nothing_stored_says_what_to_do_without_asking_arxiv(
    settings: dict[str, str], arxiv: ArxivStandIn
) -> None:
    ended = run_here(settings, "papers", "cs.AI")
    assert (ended.returncode, ended.stdout, arxiv.requests) == (1, "", ())
    assert ended.stderr.startswith("Nothing is stored of this feed yet: `refresh` asks arXiv for the configured")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("papers", "cs.XX"), "arxiv-feeds: No feed has the scope 'cs.XX'. "),
        (("papers", "--days", "99"), "arxiv-feeds: --days: Input should be less than or equal to 30"),
    ],
    ids=["an unknown scope", "a bad option"],
)
def test_a_bad_argument_is_one_line(settings: dict[str, str], arguments: tuple[str, ...], said: str) -> None:
    ended = run_here(settings, *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(said)


def listed_ids(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """The papers in the table that `papers` printed, best first."""
    return re.findall(r"^│ \d+ +│ [\d.]+ +│ (\S+)", ended.stdout, re.M)


def test_papers_ranks_what_a_query_finds_with_its_terms_as_reasons(filled: dict[str, str]) -> None:
    ended = run_here(filled, "papers", "--q", "(network OR training) -ti:survey", "cs.DC", "--limit", "5")
    scores = [float(score) for score in re.findall(r"^│ \d+ +│ ([\d.]+) +│", ended.stdout, re.M)]
    reasons = re.findall(r"(network|training) ([\d.]+)(?: \(title\))? ", ended.stdout)
    assert (ended.returncode, len(scores), scores) == (0, 5, sorted(scores, reverse=True))
    assert {word for word, _ in reasons} == {"network", "training"}
    assert re.search(r"^5 of \d+ listed papers of cs\.DC$", ended.stdout, re.M)


def test_papers_follows_authors_and_leaves_out_what_is_excluded(filled: dict[str, str]) -> None:
    followed = run_here(filled, "papers", "--au", "Carvalho, Aiko;Lars Nakamura")
    fewer = run_here(filled, "papers", "--au", "Carvalho, Aiko;Lars Nakamura", "--exclude", "imputation,survey")
    assert set(listed_ids(followed)) == {"2603.91223", "2603.91536"}
    assert listed_ids(fewer) == ["2603.91536"]


REFERENCES = """
@article{one, title = {Gang Scheduling 2602.98107}, eprint = {2603.91204v2}, pages = {1234--1250}}
@misc{two, howpublished = {\\url{https://arxiv.org/abs/2602.98134v1}}}
@misc{three, note = {arXiv:2603.91204}}
"""


def test_papers_likes_what_a_file_of_references_names_as_if_it_were_named_itself(
    filled: dict[str, str], tmp_path: Path
) -> None:
    references = tmp_path / "refs.bib"
    references.write_text(REFERENCES, encoding="utf-8")
    by_file = run_here(filled, "papers", "--like-file", str(references), "--limit", "4")
    by_name = run_here(filled, "papers", "--like", "2602.98134, 2603.91204", "--limit", "4")
    assert (by_file.returncode, by_file.stdout) == (0, by_name.stdout)
    assert f"{references} names 2 papers of arXiv\n" in by_file.stderr
    assert set(listed_ids(by_file)[:2]) == {"2603.91204", "2602.98134"}


def test_papers_that_are_disliked_come_later_or_not_at_all(filled: dict[str, str]) -> None:
    ended = run_here(filled, "papers", "--like", "2603.91204,2602.98134", "--dislike", "2602.98134", "--limit", "5")
    assert (listed_ids(ended)[0], "2602.98134" in listed_ids(ended)) == ("2603.91204", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--q", "network\n(OR"), "--q: is no query, column 10: "),
        (("--q", "cat:[red]"), "--q: is no query, column 5: '[red]' is no category of arXiv"),
        (("--q", ""), "--q: "),
        (("--au", "LeCun, Yann, X"), "--au: 'LeCun, Yann, X' is more than one name; each is given for itself"),
        (("--like", "2603.91204,x\ny"), "--like: 'x\\ny' is not an arXiv identifier such as "),
        (
            ("--exclude", "survey,cat:cs.XX"),
            "--exclude: is no list of queries, column 12: 'cs.XX' is no category of arXiv",
        ),
        (("--mailing", "2026-02-30"), "--mailing: "),
    ],
)
def test_a_mistake_in_what_is_wanted_is_one_line(filled: dict[str, str], arguments: tuple[str, ...], said: str) -> None:
    ended = run_here(filled, "papers", *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(f"arxiv-feeds: {said}")


def test_a_file_of_likes_may_begin_with_a_byte_order_mark(filled: dict[str, str], tmp_path: Path) -> None:
    liked = tmp_path / "liked.txt"
    told = []
    for encoding in ("utf-8", "utf-8-sig"):
        liked.write_text("2603.91204\n", encoding=encoding)
        told.append(run_here(filled, "papers", "--like-file", str(liked)).stdout)
    assert told[0] == told[1] != ""


def test_a_file_that_names_no_paper_is_one_line(filled: dict[str, str], tmp_path: Path) -> None:
    references = tmp_path / "none.bib"
    references.write_bytes(b"\xff\x00 @book{one, pages = {1234.5678}}")
    ended = run_here(filled, "papers", "--like-file", str(references))
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(f"arxiv-feeds: --like-file: {references} names no paper of arXiv")


def rule_rows(ended: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """The rows of the table that `explain` printed: hit or miss, the rule, what is told of it, points."""
    rows = re.findall(r"^│ (hit|miss) +│ (.+?) +│ (.*?) *│ (.*?) *│$", ended.stdout, re.M)
    return [list(row) for row in rows]


def test_explain_lists_every_rule_hit_or_miss_with_points_that_add_up(filled: dict[str, str]) -> None:
    ended = run_here(filled, "explain", "arxiv:2603.91223v1", "cs.LG", "--q", "training OR ti:kernel -survey")
    rows = rule_rows(ended)
    assert (ended.returncode, [row[:2] for row in rows]) == (
        0,
        [
            ["hit", "category: cs.LG"],
            ["hit", "days: the last 7 days"],
            ["hit", "announce type: new or cross"],
            ["hit", "query: ti:kernel -survey OR training"],
            ["miss", "NOT in the query: survey"],
            ["miss", "term of the query: ti:kernel"],
            ["hit", "term of the query: training"],
            ["hit", "min_score: 0"],
            ["hit", "cap: 30 of each mailing"],
        ],
    )
    assert f"listed; {sum(float(row[3] or 0) for row in rows):g} points" in ended.stdout
    assert ended.stdout.startswith("Missing-Value Imputation with Heavy-Tailed Noise (2603.91223), cs.LG")


def test_explain_names_what_keeps_a_paper_out(filled: dict[str, str]) -> None:
    ended = run_here(filled, "explain", "2603.91223", "--au", "Aiko Carvalho", "--exclude", "noise,kernel")
    assert (ended.returncode, "exclusion (noise); 3 points" in ended.stdout) == (0, True)
    assert [row[:2] for row in rule_rows(ended)][3:6] == [
        ["miss", "exclusion: kernel"],
        ["hit", "exclusion: noise"],
        ["hit", "author: aiko carvalho"],
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("2603.91223", "--q", "(kernel"), "--q: is no query, column 1: this parenthesis is never closed"),
        (("2401.99999", "--q", "kernel"), "No paper '2401.99999' is stored: "),
    ],
)
def test_explain_without_an_answer_is_one_line(filled: dict[str, str], arguments: tuple[str, ...], said: str) -> None:
    ended = run_here(filled, "explain", *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(f"arxiv-feeds: {said}")


def test_a_mistake_in_config_json_is_one_line_with_its_place(settings: dict[str, str], arxiv: ArxivStandIn) -> None:
    path = Path(settings["CONFIG_FILE"])
    path.write_text('{\n  "categories": ["cs.AI"],\n  "min_score": "high"\n}', encoding="utf-8")
    ended = run_here(settings, "refresh")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n"), arxiv.requests) == (1, "", 1, ())
    assert ended.stderr.startswith(f"arxiv-feeds: {path}:3:16: min_score: ")


@pytest.mark.parametrize("arguments", [("papers", "cs.LG"), ("explain", "2603.91223", "cs.LG")])
def test_keys_that_are_not_used_are_named_before_an_answer(
    filled: dict[str, str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    misspelt = write_config(tmp_path, {**CONFIG, "colour": "red"})
    ended = run_here(filled | {"CONFIG_FILE": str(misspelt)}, *arguments)
    assert (ended.returncode, ended.stderr.count("\n")) == (0, 1)
    assert re.match(r"warning: .*colour", ended.stderr)


def test_refresh_without_a_way_to_arxiv_is_one_line_after_the_bar(
    settings: dict[str, str], arxiv: ArxivStandIn
) -> None:
    ended = run_here(settings | away(arxiv), "refresh")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.search(r"^arxiv-feeds: http://127\.0\.0\.1:\d+/rss/\S+: no answer came \(.+\)$", ended.stderr, re.M)
    assert "Traceback" not in ended.stderr


def test_doctor_finds_all_well(settings: dict[str, str], arxiv: ArxivStandIn) -> None:
    ended = run(settings | {"CRON_SECRET": "sixteen-letters!"}, "doctor")
    findings = dict(re.findall(r"^(?:ok|bad) +(\w+): (.+)$", ended.stdout, re.M))
    assert (ended.returncode, ended.stdout.count("ok "), len(arxiv.requests)) == (0, 6, 1)
    assert list(findings) == ["configuration", "secret", "summaries", "store", "arXiv", "clock"]
    assert findings["configuration"].endswith("2 profile(s), categories cs.AI, cs.CL, cs.DC, cs.LG")
    assert findings["store"].endswith("revision 0, newest mailing none")
    assert findings["arXiv"].endswith("lists 69 papers in its mailing of 2026-03-05")
    assert "sixteen" not in ended.stdout + ended.stderr


def test_doctor_finds_a_category_that_arxiv_refuses(settings: dict[str, str], arxiv: ArxivStandIn) -> None:
    arxiv.fail_next(status=404, path="/rss/cs.AI+cs.CL+cs.DC")
    arxiv.fail_next(2, status=404, path="/rss/cs.DC")
    ended = run_here(settings | {"CRON_SECRET": "sixteen-letters!"}, "doctor")
    assert ended.returncode == 1
    assert re.search(r"^bad +arXiv: .*; it refuses cs\.DC \(arXiv answered 404 Not Found\)$", ended.stdout, re.M)


def test_doctor_finds_everything_that_is_wrong_at_once(settings: dict[str, str], arxiv: ArxivStandIn) -> None:
    file = Path(settings["STORE_URL"].removeprefix("sqlite:///")).with_suffix(".txt")
    file.write_bytes(b"This is no database. " * 99)
    ended = run(settings | away(arxiv) | {"CRON_SECRET": "short", "STORE_URL": f"sqlite:///{file}"}, "doctor")
    assert re.findall(r"^(ok|bad) +(\w+):", ended.stdout, re.M) == [
        ("ok", "configuration"),
        ("bad", "secret"),
        ("ok", "summaries"),
        ("bad", "store"),
        ("bad", "arXiv"),
        ("ok", "clock"),
    ]
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)


def test_every_command_has_help(settings: dict[str, str]) -> None:
    ended = run(settings, "serve", "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {"--host", "--port"} <= set(re.findall(r"--\w+", ended.stdout))


def test_serve_on_a_port_that_is_taken_is_one_line(settings: dict[str, str], arxiv: ArxivStandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(settings, "serve", "--port", str(port))
    assert (ended.returncode, ended.stdout, arxiv.requests) == (1, "", ())
    assert ended.stderr == (
        f"arxiv-feeds: cannot listen on 127.0.0.1 port {port} (Address already in use); PORT or --port names another\n"
    )


@dataclass(frozen=True, slots=True)
class Serving:
    """A running service of another process."""

    process: subprocess.Popen[str]
    port: int
    announced: str  # what it printed before it served

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=LONGEST_SECONDS, trust_env=False)

    def end(self) -> int:
        """Asks it to end, and gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONGEST_SECONDS)


@contextmanager
def serving(settings: Mapping[str, str], folder: Path, *arguments: str) -> Iterator[Serving]:
    """`serve` on a free port, from the moment when it has printed its addresses; killed where it hangs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", *(arguments or ("serve",)), "--port", str(port)],
            cwd=ROOT,
            env=dict(settings),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    watchdog = threading.Timer(LONGEST_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Page"):
                break
        yield Serving(process, port, "".join(lines))
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def test_serve_prints_addresses_that_answer_asks_again_when_due_and_ends_cleanly(
    settings: dict[str, str], arxiv: ArxivStandIn, tmp_path: Path
) -> None:
    with serving(settings | {"FRESH_SECONDS": "1"}, tmp_path) as service:
        addresses = re.findall(rf"http://localhost:{service.port}(/\S*)", service.announced)
        answers = {address: service.get(address).status_code for address in {one.rstrip(".") for one in addresses}}
        papers: dict[str, Any] = service.get("/api/papers").json()
        assert arxiv.wait_for_requests(2, timeout_seconds=LONGEST_SECONDS)
        assert service.end() == 128 + signal.SIGTERM
    assert {"/rss", "/rss/systems", "/rss/cs.AI", "/atom", "/jsonfeed", "/", "/docs"} <= set(answers)
    assert answers == dict.fromkeys(answers, 200)
    assert (papers["sample_data"], bool(papers["items"])) == (False, True)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_with_nothing_stored_and_no_way_to_arxiv_serve_shows_marked_sample_data_and_cleans_up(
    settings: dict[str, str], arxiv: ArxivStandIn, tmp_path: Path
) -> None:
    with serving(settings | away(arxiv), tmp_path) as service:
        papers = service.get("/api/papers").json()
        feed = json.loads(service.get("/jsonfeed").content)
        page = service.get("/").text
        assert list((tmp_path / "temporary").iterdir()) != []
        assert service.end() == 128 + signal.SIGTERM
    log = (tmp_path / "log").read_text()
    assert "arXiv cannot be reached and nothing is stored yet" in log
    assert "Serving sample data instead" in log
    assert "Traceback" not in log
    assert (papers["sample_data"], bool(papers["items"]), arxiv.requests) == (True, True, ())
    assert feed["title"].endswith("(sample data)")
    assert "Sample data: every paper here is made up" in page
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_server_that_is_to_show_no_sample_data_says_that_it_has_nothing_yet(
    settings: dict[str, str], arxiv: ArxivStandIn, tmp_path: Path
) -> None:
    with serving(settings | away(arxiv), tmp_path, "serve", "--no-sample") as service:
        feed, status = service.get("/rss"), service.get("/api/status")
    assert (feed.status_code, feed.json()["code"], "Retry-After" in feed.headers) == (503, "nothing_stored", True)
    assert status.status_code == 200
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_what_is_stored_is_served_without_a_way_to_arxiv(
    settings: dict[str, str], arxiv: ArxivStandIn, tmp_path: Path
) -> None:
    settings["FRESH_SECONDS"] = "0"
    run(settings, "refresh")
    with serving(settings | away(arxiv), tmp_path) as service:
        give_up_at = time.monotonic() + 10
        papers = service.get("/api/papers").json()
        while (
            "cannot be fetched" not in " ".join(papers["notices"]) and time.monotonic() < give_up_at
        ):  # whoever asks meanwhile is not kept waiting
            papers = service.get("/api/papers").json()
    assert (papers["sample_data"], bool(papers["items"])) == (False, True)
    assert "cannot be fetched at present" in " ".join(papers["notices"])


class TestSummaries:
    """With the stand-in for the model's service."""

    @pytest.fixture
    def model(self) -> Iterator[ModelStandIn]:
        with ModelStandIn() as stand_in:
            yield stand_in

    @pytest.fixture
    def with_model(self, settings: dict[str, str], model: ModelStandIn, tmp_path: Path) -> dict[str, str]:
        summaries = {"enabled": True, "language": "en", "max_papers_to_summarize": 3, "source": "abstract"}
        config = {key: value for key, value in CONFIG.items() if key != "profiles"}
        write_config(tmp_path, {**config, "ai_summary": summaries})
        return {
            **settings,
            "DASHSCOPE_API_KEY": model.api_key,
            "DASHSCOPE_HTTP_BASE_URL": model.native_base,
        }

    def test_refresh_writes_them_and_summarize_finds_nothing_left(
        self, with_model: dict[str, str], model: ModelStandIn
    ) -> None:
        refreshed = run(with_model, "refresh")
        assert refreshed.returncode == 0
        assert re.search(
            r"^Summaries: 3 written, 0 failed, 0 left for later; 3 call\(s\), [\d,]+ \+ [\d,]+ tokens, 0\.\d+ CNY$",
            refreshed.stdout,
            re.M,
        )
        again = run(with_model, "summarize")
        assert (again.returncode, again.stdout.partition(";")[0]) == (
            0,
            "Summaries: 0 written, 0 failed, 0 left for later",
        )
        assert len(model.calls) == 3

    def test_summarize_writes_that_of_one_paper_and_again_only_if_told(
        self, with_model: dict[str, str], model: ModelStandIn
    ) -> None:
        run_here(with_model, "refresh")
        listed = run_here(with_model, "papers", "--limit", "9").stdout
        last = re.findall(r"\d{4}\.\d{5}", listed)[-1]
        written = [run_here(with_model, "summarize", last, *more).stdout[:20] for more in ((), (), ("--again",))]
        assert written == ["Summaries: 1 written", "Summaries: 0 written", "Summaries: 1 written"]

    def test_what_fails_is_told_and_the_exit_code_says_so(
        self, with_model: dict[str, str], model: ModelStandIn
    ) -> None:
        model.answer_with(FAULTS["invalid_key"](), times=None)
        run_here(with_model, "refresh")
        ended = run_here(with_model, "summarize")
        assert (ended.returncode, model.api_key in ended.stdout + ended.stderr) == (1, False)
        assert "it refuses the key or the account (InvalidApiKey)" in ended.stdout

    def test_without_a_key_summarize_is_one_line(self, with_model: dict[str, str]) -> None:
        ended = run_here({**with_model, "DASHSCOPE_API_KEY": ""}, "summarize")
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == "arxiv-feeds: This service writes no summaries: DASHSCOPE_API_KEY is not set.\n"

    @pytest.mark.parametrize("paper", ["2603.99999", "nonsense"])
    def test_a_paper_that_is_not_stored_is_one_line(self, with_model: dict[str, str], paper: str) -> None:
        ended = run_here(with_model, "summarize", paper)
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
        assert f"No paper '{paper}' is stored" in ended.stderr


def test_digest_writes_a_folder_once_and_a_second_run_changes_nothing(filled: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "digest"
    first, second = (run_here(filled, "digest", "--out", str(folder)) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    assert {line.rpartition(": ")[2] for line in first.stdout.splitlines()} == {"written"}
    assert {line.rpartition(": ")[2] for line in second.stdout.splitlines()} == {"unchanged"}
    assert (folder / "2026-03-05.md").read_text(encoding="utf-8").startswith("# ")


def test_brackets_in_a_path_are_printed_as_they_are(filled: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "out[red]" / "[x]"
    ended = run_here(filled, "digest", "--mailing", "2026-03-05", "--out", str(folder))
    assert (ended.returncode, f"{folder}/2026-03-05.md: written\n" in ended.stdout) == (0, True)


def test_a_folder_whose_index_has_no_place_gets_no_file(filled: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Mine\n", encoding="utf-8")
    ended = run_here(filled, "digest", "--out", str(tmp_path))
    assert (ended.returncode, "arxiv-feeds:begin" in ended.stderr) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_mail_that_could_not_be_sent_is_sent_by_the_next_run_and_by_no_other(
    filled: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = {"SMTP_HOST": "127.0.0.1", "MAIL_FROM": "feeds@example.org", "MAIL_TO": "ada@example.org\n"}
    arguments = ("digest", "--mailing", "2026-03-05", "--out", str(tmp_path), "--mail")
    sent: list[str] = []

    def refuse(message: EmailMessage, _: MailSettings) -> None:
        raise MailNotSent("127.0.0.1", "it cannot be reached")

    monkeypatch.setattr(cli, "send", refuse)
    assert run_here(filled | post, *arguments).returncode == 1
    (tmp_path / ".unsent-2026-03-03").touch()
    monkeypatch.setattr(cli, "send", lambda message, _: sent.append(str(message["Subject"])))
    told = [run_here(filled | post, *arguments).stdout.splitlines()[-1] for _ in range(2)]
    assert told == ["Mailed to ada@example.org", "Not mailed: there is nothing new of today."]
    assert len(sent) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "2026-03-05.md"}


def test_an_older_file_that_changes_is_no_reason_to_mail_again(
    filled: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = {"SMTP_HOST": "127.0.0.1", "MAIL_FROM": "feeds@example.org", "MAIL_TO": "ada@example.org"}
    run_here(filled, "digest", "--out", str(tmp_path))
    (tmp_path / "2026-03-04.md").write_text("# Other\n", encoding="utf-8")
    monkeypatch.setattr(cli, "send", lambda *_: pytest.fail("nothing is to be mailed"))
    monkeypatch.setattr(cli, "eastern_date", lambda _: date(2026, 3, 5))
    told = run_here(filled | post, "digest", "--out", str(tmp_path), "--mail").stdout.splitlines()
    assert told[-1] == "Not mailed: there is nothing new of today."
    assert f"{tmp_path}/2026-03-04.md: written" in told


def test_digest_of_a_day_without_a_mailing_says_so(filled: dict[str, str]) -> None:
    ended = run_here(filled, "digest", "--mailing", "2026-02-28")
    assert (ended.returncode, ended.stderr) == (1, "arXiv had no mailing on 2026-02-28.\n")


@pytest.mark.parametrize("command", ["papers", "digest"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_terminal_has_no_letter_for_is_told_by_its_number(
    filled: dict[str, str], command: str, encoding: str
) -> None:
    ended = run(filled | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}, command, encoding=encoding)
    assert (ended.returncode, ended.stderr, len(ended.stdout) > 500) == (0, "", True)


@pytest.mark.parametrize(
    ("redirection", "status"), [("> /dev/full", 1), (">&-", 0), ("| head -1 > /dev/null", 0)], ids=str
)
def test_an_output_that_takes_nothing_is_a_line_at_most(filled: dict[str, str], redirection: str, status: int) -> None:
    ended = run(filled, "papers", through=("/bin/sh", "-c", f'exec "$0" "$@" {redirection}'))
    assert (ended.returncode, ended.stderr.count("\n") <= 1) == (status, True), ended.stderr


def test_digest_without_a_place_goes_to_the_terminal(filled: dict[str, str]) -> None:
    ended = run_here(filled, "digest", "--mailing", "2026-03-05")
    assert (ended.returncode, ended.stdout.startswith("# "), "2026-03-05" in ended.stdout) == (0, True, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--readme", "/nowhere/README.md"), "/nowhere/README.md"),
        (("--mail",), "SMTP_HOST"),
        (("--mailing", "yesterday"), "a date such as 2026-03-05 is expected"),
    ],
    ids=["a file that is not there", "mail without a server", "no date"],
)
def test_a_digest_that_cannot_be_written_is_one_line(
    filled: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    ended = run_here(filled, "digest", *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n"), said in ended.stderr) == (1, "", 1, True)
