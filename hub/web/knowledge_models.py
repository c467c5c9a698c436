"""知识库 → 模型: what the bot learned when and how it does, tested, compared, taken into service and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select

from bot import rasa_jobs, rules, versions
from bot.models import BotModel, Lesson
from bot.rasa_engine import RasaEngine
from bot.rasa_models import RasaModels, Step
from bot.states import ENGINE_LABELS, MODEL_LABELS, ModelEngine, ModelState
from hub import rasa
from hub.incoming import LEARN
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Chart, Series
from hub.web.forms import FormState, refused
from hub.web.pages import columns, fragment, page, say, see_other
from kernel.duties import DutyMark, hasten
from kernel.errors import Invalid, XuandaError
from kernel.office_rules import Rule, Values
from kernel.people import Permission, Person
from kernel.typed import row_in
from kernel.work import Work
from templates.catalogue import _
from templates.views import NavItem

router = APIRouter(prefix="/console/knowledge/models")

P = Permission
Reader = Annotated[Asker, Depends(may(P.KNOWLEDGE_TRAIN))]
Text = Annotated[str, Form()]

PAGE = "/console/knowledge/models"
COLUMNS = (
    (_("模型"), ""),
    (_("学了什么"), ""),
    (_("检验题"), ""),
    (_("与当时使用的相比"), ""),
    (_("把关"), ""),
    (_("操作"), ""),
)
SHARES = (
    ("top1", _("首选正确")),
    ("top3", _("前三有正确")),
    ("answered_right", _("直接答对")),
    ("answered_wrong", _("直接答错")),
    ("refused_outside", _("不该答的没答")),
)
HOW = {
    versions.AUTO: _("自动上线"),
    versions.MANUAL: _("人工上线"),
    versions.FORCED: _("人工上线（未通过检验）"),
    versions.ROLLBACK: _("回退"),
}
DRAWN = 12
STEPS = {
    "": _("等待开始"),
    Step.READING: _("读取已发布的问答"),
    Step.TRAINING: _("训练（低优先级）"),
    Step.EXAMINING: _("在备用服务上检验"),
    Step.SWAPPING: _("按检验结果换用"),
}
SHOWN_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Served:
    """What Rasa says for itself: whether it answers, the file of the model that it serves, and that model's number."""

    answers: bool
    file: str = ""
    number: int = 0


@router.get("")
def models(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every kept model with its figures, drawn and in a table."""
    return _page(request, hub, asker)


@router.post("/train")
def train(request: Request, hub: HubDep, asker: Reader) -> Response:
    """Learns what is published now, in the background of a process that works; chats go on."""
    if _using(hub) == ModelEngine.RASA:
        return _train_rasa(request, hub, asker)
    with hub.works.write(asker.actor) as work:
        hasten(work.session, LEARN, work.now)
        work.audit("model.wanted")
    return see_other(PAGE, say(hub, asker, _("已开始训练，几秒后刷新可见；内容没有变化时不产生新模型。")))


def _train_rasa(request: Request, hub: Hub, asker: Asker) -> Response:
    try:
        with hub.works.write(asker.actor) as work:
            _must_train(hub, work, "train")
            rasa_jobs.want(work)
    except XuandaError as error:
        return _page(request, hub, asker, refused(asker, error), status=error.status)
    return see_other(PAGE, say(hub, asker, _("已开始训练，可以离开本页；问答照常由正在使用的模型回答。")))


def _must_train(hub: Hub, work: Work, command: str) -> None:
    if not _trains(hub, work):
        why = f"没有装有 Rasa 的程序在运行，请在 Rasa 所在的机器上运行 xuanda bot {command}。"
        raise Invalid(field="train", why=why)


def _trains(hub: Hub, work: Work) -> bool:
    """Whether some process has Rasa on its machine, this one or another that does the duties."""
    known = select(DutyMark.id).where(DutyMark.name == rasa.TRAIN)
    return rasa.home_of(hub.settings).python.exists() or work.session.scalar(known) is not None


@router.get("/training")
def training(request: Request, hub: HubDep, asker: Reader, seen: str = "") -> HTMLResponse:
    """How far the training of Rasa is, as a part of the page; once it is over the page is drawn anew."""
    with hub.works.read() as work:
        job = _job(work)
    answer = fragment(request, asker, "pages/knowledge/models.html", "training", job=job, steps=STEPS)
    if seen and (job is None or job["over"]):
        answer.headers["HX-Refresh"] = "true"
    return answer


def _job(work: Work) -> dict[str, Any] | None:
    """The training that was asked for last, while it is worth a word: under way, or over today."""
    row = rasa_jobs.latest(work.session)
    if row is None or (row.done_at is not None and work.now - row.done_at > SHOWN_FOR):
        return None
    return {
        "over": row.done_at is not None,
        "step": row.step if row.begun_at else "",
        "examines": row.examines,
        "began_at": row.begun_at or row.wanted_at,
        "number": row.number,
        "failed": row.failed,
        "unheard": rasa_jobs.is_unheard(row, work.now),
    }


@router.post("/test")
def examine(request: Request, hub: HubDep, asker: Reader, number: Text = "") -> Response:
    """Tests a model by today's questions, beside the one in service; one of Rasa's in the background."""
    try:
        chosen = _number(number)
        if _is_rasas(hub, chosen):
            return _examine_rasas(hub, asker, chosen)
        with hub.works.read() as work:
            found, before = versions.compared(work.session, work.now, hub.blobs, chosen)
        with hub.works.write(asker.actor) as work:
            versions.retested(work, chosen, found, before)
    except XuandaError as error:
        return _page(request, hub, asker, refused(asker, error, number=number), status=error.status)
    return see_other(PAGE, say(hub, asker, _("已用现在的检验题重新检验。")))


def _examine_rasas(hub: Hub, asker: Asker, number: int) -> Response:
    _rasa(hub)
    with hub.works.write(asker.actor) as work:
        if not versions.numbered(work.session, number, ModelEngine.RASA).artefact:
            raise Invalid(field="number", why="这个模型的文件已删除，不能再检验。")
        _must_train(hub, work, f"examine {number}")
        rasa_jobs.want(work, examines=number)
    return see_other(PAGE, say(hub, asker, _("已开始检验模型 %(n)s，可以离开本页；结果见下表。"), n=number))


@router.post("/promote")
def promote(request: Request, hub: HubDep, asker: Reader, number: Text = "", reason: Text = "") -> Response:
    """上线; one that was not let through needs a reason."""
    try:
        chosen = _number(number)
        if _is_rasas(hub, chosen):
            _rasa(hub).promote(chosen, asker.actor, reason)
            _look_again(hub)
        else:
            with hub.works.write(asker.actor) as work:
                versions.promote(work, chosen, hub.blobs, reason)
    except XuandaError as error:
        return _page(request, hub, asker, refused(asker, error, number=number, reason=reason), status=error.status)
    return see_other(PAGE, say(hub, asker, _("已上线，各进程几秒内换用。")))


@router.post("/rollback")
def rollback(request: Request, hub: HubDep, asker: Reader, reason: Text = "") -> Response:
    """回退 to the model that served before, of the engine that understands now."""
    try:
        if _using(hub) == ModelEngine.RASA:
            _rasa(hub).roll_back(asker.actor, reason)
            _look_again(hub)
        else:
            with hub.works.write(asker.actor) as work:
                versions.roll_back(work, hub.blobs, reason)
    except XuandaError as error:
        form = refused(asker, error, number="back", reason=reason)
        return _page(request, hub, asker, form, status=error.status)
    return see_other(PAGE, say(hub, asker, _("已回退，各进程几秒内换用；在人工上线之前不再自动上线。")))


def _number(text: str) -> int:
    number = row_in(text)
    if number is None:
        raise Invalid(field="number", why="没有这个模型。")
    return number


def _is_rasas(hub: Hub, number: int) -> bool:
    with hub.works.read() as work:
        row = work.session.get(BotModel, number)
        return row is not None and row.engine == ModelEngine.RASA


def _using(hub: Hub) -> ModelEngine:
    return ModelEngine.RASA if rasa.server_of(hub) is not None else ModelEngine.EMBEDDED


def _rasa(hub: Hub) -> RasaModels:
    server = rasa.server_of(hub)
    if server is None:
        raise Invalid(field="number", why="本系统没有连接 Rasa 服务，不能换用 Rasa 的模型。")
    return rasa.models_of(hub, server)


def _look_again(hub: Hub) -> None:
    engine = hub.incoming.engine
    if isinstance(engine, RasaEngine):
        engine.look_again()


def _served(hub: Hub) -> Served | None:
    """What Rasa serves at this moment; None where the product does not ask Rasa. No work is open meanwhile."""
    server = rasa.server_of(hub)
    if server is None:
        return None
    try:
        file = server.serves()
    except httpx.HTTPError:
        return Served(answers=False)
    with hub.works.read() as work:
        row = versions.of_file(work.session, file, ModelEngine.RASA)
        return Served(True, file, row.id if row else 0)


def _within_reach(hub: Hub, rows: Sequence[BotModel], served: Served | None) -> set[int]:
    """The models that a button here can take into service: their file is here and so is the engine."""
    home = rasa.home_of(hub.settings)
    if served is None:
        return {row.id for row in rows if row.engine == ModelEngine.EMBEDDED and row.artefact}
    return {row.id for row in rows if row.engine == ModelEngine.RASA and served.answers and versions.is_kept(row, home)}


def _page(
    request: Request, hub: Hub, asker: Asker, form: FormState | None = None, *, status: int = 200
) -> HTMLResponse:
    gates: tuple[Rule[Any], ...] = (rules.AUTO_PROMOTE, rules.GATE_TOP1, rules.GATE_CASES, rules.GATE_LOST)
    served = _served(hub)
    using = _using(hub)
    with hub.works.read() as work:
        own = versions.listed(work.session, using)
        others = [row for one in ModelEngine if one != using for row in versions.listed(work.session, one)]
        serving = versions.current(work.session, using)
        lessons = work.session.scalar(select(func.count(Lesson.id))) or 0
        rows = sorted([*own, *others], key=lambda row: -row.id)
        ids = {row.decided_by for row in rows} - {None}
        people = work.session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
        names = {number: name for number, name in people}  # noqa: C416  # Rows are no pairs to mypy.
        earlier = select(func.count()).where(BotModel.state == ModelState.PREVIOUS, BotModel.engine == using)
        back = work.session.scalar(earlier) or 0
        job, trains = (_job(work), _trains(hub, work)) if served else (None, False)
        gate = Values(work.session, gates, versions.root_unit(work.session), work.now)
        limits = [gate[rule] for rule in gates]
    tabs = [
        NavItem(say(hub, asker, _("问题与问法")), "/console/knowledge", 0, False),
        NavItem(say(hub, asker, _("模型")), PAGE, 0, True),
    ]
    return page(
        request,
        asker,
        "pages/knowledge/models.html",
        status=status,
        rows=rows,
        serving=serving,
        lessons=lessons,
        names=names,
        back=back,
        limits=limits,
        tabs=tabs,
        served=served,
        job=job,
        trains=trains,
        steps=STEPS,
        within_reach=_within_reach(hub, rows, served),
        engines=ENGINE_LABELS if served or others else {},
        chart=_chart(hub, asker, own),
        shares=SHARES,
        labels=MODEL_LABELS,
        how=HOW,
        form=form or FormState(),
        columns=columns(hub, asker, *COLUMNS),
    )


def _chart(hub: Hub, asker: Asker, rows: Sequence[BotModel]) -> Chart | None:
    tested = [row for row in reversed(rows[:DRAWN]) if row.figures.get("inside") or row.figures.get("outside")]
    if not tested:
        return None
    return Chart(
        "line",
        say(hub, asker, _("各模型在检验题上的成绩")),
        "%",
        [say(hub, asker, _("模型 %(n)s"), n=row.id) for row in tested],
        [Series(say(hub, asker, label), [_share(row.figures, key) for row in tested]) for key, label in SHARES],
    )


def _share(figures: dict[str, Any], key: str) -> float | None:
    """A share in percent; None where there was no question to count."""
    asked = figures.get("outside" if key == "refused_outside" else "inside")
    return round(float(figures[key]) * 100, 1) if asked else None
