"""The page: well-formed, the same for the same run, and closed to what a run's texts try."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landfall.report import gantt, graph
from landfall.report.folder import NotOurs, check, write
from landfall.report.gantt import Scale, length
from landfall.report.model import Line, Log, Report
from landfall.report.render import last_word, record_json, render, visible
from tests.report_samples import at, completed, failed, hostile, large, running

VOID = {"meta", "link", "br", "input"}
SVG_VOID = {"path", "circle", "rect", "use", "line"}
SAMPLES = [completed, failed, running, hostile, large]


@cache
def page_of(sample: Callable[[], Report]) -> str:
    return render(sample())


class Tree(HTMLParser):
    """Elements with their attributes; refuses what is not closed or nested as it should be."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SVG_VOID, tag
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, (tag, self._open[-5:])
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_pages_are_well_formed_and_their_fragments_exist(sample: Callable[[], Report]) -> None:
    tree = Tree(page_of(sample))
    ids = [attributes["id"] for _, attributes in tree.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for _, a in tree.elements if a.get("href", "").startswith("#")}
    assert wanted <= set(ids)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_a_page_asks_for_nothing_outside_its_folder(sample: Callable[[], Report]) -> None:
    tree = Tree(page_of(sample))
    targets = [a[key] for _, a in tree.elements for key in ("href", "src", "action", "srcset") if key in a]
    assert all(re.match(r"#|data:,$|run\.json$|logs/[\w.-]+$", target) for target in targets)
    assert not [name for _, a in tree.elements for name in a if name.startswith("on") or name == "style"]
    assert len(tree.all("script")) == len(tree.all("style")) == 1


def test_the_policy_admits_the_pages_own_style_and_script_and_nothing_else() -> None:
    page = render(completed())
    (policy,) = [m["content"] for m in Tree(page).all("meta") if m.get("http-equiv")]
    for tag in ("style", "script"):
        text = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy


def test_what_a_run_says_stays_text() -> None:
    page = render(hostile())
    tree = Tree(page)
    assert len(tree.all("script")) == 1 and tree.all("img") == []
    assert "alert('name')" in "".join(tree.texts)
    assert "{{ 7 * 7 }}" in "".join(tree.texts), "a text is never a template"
    assert not set("\x00\x1b\u202e\u202c") & set(page)
    logged = "".join(re.findall(r"<span class=\"t\">.*", page))
    assert "red" in logged and "31m" not in logged


@given(st.text())
def test_visible_text_has_no_control_or_direction_characters(text: str) -> None:
    shown = visible(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)
    shown.encode()
    assert visible(shown) == shown


@pytest.mark.parametrize("sample", [completed, failed, hostile, large], ids=lambda s: s.__name__)
def test_the_same_run_gives_the_same_bytes(sample: Callable[[], Report]) -> None:
    assert render(sample()) == render(sample())
    assert record_json(sample()) == record_json(sample())


def test_a_failed_run_shows_error_and_resume_command_before_anything_else() -> None:
    page = render(failed())
    resume = page.index("landfall workflow resume nightly_sales-2 --stack sandbox")
    assert page.index("First error") < resume < page.index('id="graph"')
    assert 'href="#job-3-1"' in page[page.index("First error") : resume]


def test_every_status_is_said_in_words_wherever_it_is_a_colour() -> None:
    page = render(failed())
    rows = re.findall(r'<div class="row.*?</div>', page, re.S)
    assert len(rows) >= 10
    assert all(re.search(r"unseen\">, (Completed|Failed|Not started)<", row) for row in rows)


def test_the_timeline_is_a_table_too() -> None:
    report = failed()
    scale = gantt.scale_of(report)
    assert scale is not None
    lines = gantt.entries(report, scale)
    assert [(e.what, e.status, e.begins, e.ends, e.seconds) for e in lines if e.job in ("orders", "")] == [
        ("precondition", "Completed", "0.2", "0.6", "0.4"),
        ("attempt 1", "Failed", "6.9", "8.2", "1.3"),
        ("wait before attempt 2", "Waiting", "8.2", "17.2", "9.0"),
        ("attempt 2", "Failed", "17.2", "18.9", "1.7"),
    ]
    page = render(report)
    assert all(f'<td class="r num">{e.begins}</td>' in page for e in lines)


def test_a_large_run_shows_its_failed_job_and_folds_the_others() -> None:
    page = page_of(large)
    for section in ("timeline", "jobs"):
        start = page.index(f'<section id="{section}"')
        before_fold = page[start : page.index('<details class="more">', start)]
        assert "load_partition_217.sh" in before_fold and "load_partition_001.sh" not in before_fold
    assert page.count('<details class="job') == 300
    assert "298 more jobs" in page
    assert len(page) < 1_500_000


def test_an_open_job_is_the_one_that_failed() -> None:
    cards = re.findall(r'<details class="job [^>]*>', render(failed()))
    assert ["open" in card for card in cards] == ["orders" in card for card in cards]


@given(st.floats(min_value=0.001, max_value=5e7, allow_nan=False))
def test_ticks_are_few_rise_and_stay_inside(seconds: float) -> None:
    ticks = Scale(at(0), at(seconds)).ticks()
    places = [float(tick.percent.rstrip("%")) for tick in ticks]
    assert 1 <= len(ticks) <= gantt.MOST_TICKS + 1
    assert places[0] == 0 and all(a < b for a, b in pairwise(places)) and places[-1] <= 97
    assert len({tick.label for tick in ticks}) == len(ticks)


@given(st.floats(-50, 200), st.floats(0, 200))
def test_bars_stay_on_the_chart_and_can_be_seen(start: float, seconds: float) -> None:
    from landfall.report.model import Span

    span = Span(kind="attempt", status="Completed", start=at(start), end=at(start + seconds), attempt=1)
    bar = Scale(at(0), at(100)).bar(span, None)
    left, width = float(bar.left.rstrip("%")), float(bar.width.rstrip("%"))
    assert left >= 0 and width >= gantt.NARROWEST and left + width <= 100.01


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0.0 s"),
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (172_800, "2 d 0 h"),
        (-1, "0.0 s"),
    ],
)
def test_lengths_of_time_read_as_people_say_them(seconds: float | None, text: str) -> None:
    assert length(seconds) == text


@pytest.mark.parametrize("stacked", [False, True])
def test_nodes_of_the_graph_do_not_overlap_and_lie_inside(stacked: bool) -> None:
    for sample in SAMPLES:
        drawn = graph.layout(sample(), stacked=stacked)
        for column in drawn.columns:
            assert column.x + column.width <= drawn.width and column.y + column.height <= drawn.height
            for above, below in pairwise(column.nodes):
                assert above.y + graph.NODE_HEIGHT < below.y
            assert all(
                column.y < node.y and node.y + graph.NODE_HEIGHT < column.y + column.height
                for node in column.nodes
            )
        for before, after in pairwise(drawn.columns):
            assert before.y + before.height < after.y if stacked else before.x + before.width < after.x


def test_on_a_narrow_page_the_stages_stand_one_below_the_other() -> None:
    stages = completed().stages
    drawn = graph.layout(completed(), stacked=True)
    assert drawn.width < 320 - 2 * 16, "no scrolling sideways on the narrowest phones"
    downward = [edge for edge in drawn.edges if "V" in edge.path and "C" not in edge.path]
    assert len(downward) == len(drawn.edges) == len(stages) - 1 + 1, "between stages, and within stage 1"


@pytest.mark.parametrize(
    ("error", "lines", "said"),
    [
        ("", ["begins", "COPY 1000 ", "", "[landfall] Completed, exit code 0"], "COPY 1000"),
        ("ERROR: disk full\nat row 7", ["begins"], "ERROR: disk full"),
        ("", ["[landfall] Completed, exit code 0"], ""),
        ("", [], ""),
    ],
)
def test_a_jobs_last_word_is_its_error_or_what_it_wrote_last(error: str, lines: list[str], said: str) -> None:
    written = tuple(Line(time=at(n), text=text) for n, text in enumerate(lines))
    log = Log(attempt=1, stream="s", lines=written, total=len(lines), file=None, complete=True)
    job = replace(completed().jobs[0], error_message=error, logs=(log,))
    assert last_word(job) == said
    assert last_word(replace(job, logs=())) == error.partition("\n")[0]


def test_the_graph_draws_the_dependencies_of_waves_and_else_the_order_of_stages() -> None:
    edges = graph.layout(completed()).edges
    assert len([edge for edge in edges if "C" in edge.path]) == 2, "orders waits for two dimensions"
    assert len([edge for edge in edges if "V" in edge.path]) == 1, "one job after another in stage 1"
    assert len([edge for edge in edges if "H" in edge.path]) == 2, "stages 1 to 2 and 3 to 4"


def test_a_large_stage_is_drawn_in_part_with_what_failed() -> None:
    column = graph.layout(large()).columns[1]
    assert len(column.nodes) == graph.MOST_NODES
    assert "Failed" in [node.status for node in column.nodes]
    assert (column.nodes[-1].name, column.nodes[-1].target) == ("292 more jobs", "stage-2")


def test_a_report_replaces_an_earlier_one_as_a_whole(tmp_path: Path) -> None:
    place = tmp_path / "report"
    write(place, lambda folder: completed(folder))
    (place / "logs" / "of-earlier.log").touch()
    page = write(place, lambda folder: failed(folder))
    assert page == place / "index.html" and "nightly_sales-2" in page.read_text(encoding="utf-8")
    assert not (place / "logs" / "of-earlier.log").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_every_link_to_a_file_finds_it(tmp_path: Path) -> None:
    page = write(tmp_path / "r", lambda folder: completed(folder))
    links = [a["href"] for a in Tree(page.read_text(encoding="utf-8")).all("a")]
    files = [link for link in links if not link.startswith("#")]
    assert len(files) == 7 and all((page.parent / link).is_file() for link in files)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    (tmp_path / "index.html").write_text("<p>mine</p>", encoding="utf-8")
    with pytest.raises(NotOurs, match="something else"):
        write(tmp_path, lambda folder: completed(folder))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "thesis.tex"]


def test_places_that_are_no_folder_are_refused(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch()
    link.symlink_to(tmp_path)
    for place in (file, link):
        with pytest.raises(NotOurs, match="not a folder"):
            check(place)
    check(tmp_path / "new")


def test_a_report_that_cannot_be_made_leaves_the_earlier_one(tmp_path: Path) -> None:
    place = tmp_path / "report"
    write(place, lambda folder: completed(folder))

    def broken(folder: Path) -> Report:
        raise OSError("no answer")

    with pytest.raises(OSError, match="no answer"):
        write(place, broken)
    assert "nightly_sales-1" in (place / "index.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
