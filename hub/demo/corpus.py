"""The demo office's content as typed values, read from the YAML files beside this module."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml

DATA = Path(__file__).parent / "data"

_WORKING_WEEK, _WEEK = 5, 7

ColumnKind = Literal["news", "notice", "policy", "interpretation", "guide", "faq", "gallery", "feature"]


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit of the office; ``parent`` is the key of the unit above, None for the city office."""

    key: str
    name: str
    short: str
    parent: str | None
    address: str
    phone: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person who logs in; roles are held in ``reach`` (by default his own unit), with ``below`` also beneath it."""

    name: str
    login: str
    unit: str
    title: str
    roles: tuple[str, ...]
    below: bool
    reach: str = ""


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column of the portal; ``levels`` is how many people sign, ``freshness_days`` the longest pause."""

    slug: str
    name: str
    kind: ColumnKind
    unit: str
    freshness_days: int
    levels: int


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """What the account register (政务新媒体备案) records about an account."""

    sponsor: str
    operator: str
    keeper: str
    phone: str
    record_no: str
    site_code: str
    opened: date
    purpose: str
    state: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A channel account; ``channel`` is the adapter's entry-point name, ``type`` tells its accounts apart."""

    key: str
    channel: str
    type: str
    name: str
    handle: str
    unit: str
    register: RegisterEntry


@dataclass(frozen=True, slots=True)
class Office:
    """The invented city with its units (parents first), people, columns and accounts."""

    city: str
    region_code: str
    area_code: str
    units: tuple[UnitRow, ...]
    people: tuple[PersonRow, ...]
    columns: tuple[ColumnRow, ...]
    accounts: tuple[AccountRow, ...]


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """A limit in 工作日 (working days) or 日 (calendar days); zero working days means done on the spot (即办)."""

    days: int
    unit: Literal["工作日", "日"]

    @property
    def calendar_days(self) -> float:
        """The limit in calendar days, a working week counted as seven."""
        return self.days * _WEEK / _WORKING_WEEK if self.unit == "工作日" else float(self.days)

    def __str__(self) -> str:
        """As printed in a guide: 即办 or 20个工作日."""
        if self.days == 0:
            return "即办"
        return f"{self.days}个工作日" if self.unit == "工作日" else f"{self.days}日"


@dataclass(frozen=True, slots=True)
class Material:
    """One paper to hand in; ``copies`` counts paper copies and is 0 for an electronic one."""

    name: str
    form: Literal["原件", "复印件", "电子"]
    copies: int
    source: str
    necessity: Literal["必要", "非必要"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the procedure (环节)."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Online:
    """Whether the matter is handled online, how deep (Ⅰ级 to Ⅳ级) and where."""

    available: bool
    depth: Literal["Ⅰ级", "Ⅱ级", "Ⅲ级", "Ⅳ级"]
    address: str


@dataclass(frozen=True, slots=True)
class Fee:
    """What it costs; item, basis and online payment only where a fee is charged."""

    charged: bool
    item: str
    amount: str
    basis: str
    pay_online: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What the citizen holds in the end, and the sample shown in the guide."""

    type: Literal["出证", "出文", "审批办结", "其他"]
    name: str
    sample: str


@dataclass(frozen=True, slots=True)
class DistrictPlace:
    """Where one goes in a district, for a guide whose place differs."""

    district: str
    name: str
    address: str
    hours: str
    phone: str


@dataclass(frozen=True, slots=True)
class GuideRow:
    """A service guide (办事指南) with every field an inspector looks for; for both audiences it has two themes."""

    key: str
    name: str
    catalog_code: str
    task_code: str
    item_type: str
    unit: str
    audience: tuple[str, ...]
    basis: tuple[str, ...]
    conditions: tuple[str, ...]
    materials: tuple[Material, ...]
    steps: tuple[Step, ...]
    statutory: TimeLimit
    promised: TimeLimit
    case_type: Literal["即办件", "承诺件"]
    review_type: Literal["即审即办", "前审后批"]
    visits: int
    visits_reason: str
    online: Online
    mail: bool
    fee: Fee
    place: str
    hours: str
    phone: str
    supervision_phone: str
    result: Result
    faqs: tuple[str, ...]
    places: tuple[DistrictPlace, ...] = ()
    theme: str = ""
    personal_theme: str = ""
    legal_theme: str = ""


@dataclass(frozen=True, slots=True)
class FaqRow:
    """A question with its wordings (the canonical one is the first of them) and the guide it belongs to."""

    key: str
    question: str
    group: str
    guide: str | None
    answer: str
    wordings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """A turn around the question: greeting, thanks, the wish for a person."""

    key: str
    answer: str
    wordings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A piece for the portal's first day; ``related`` are keys of the pieces it explains or is explained by."""

    key: str
    column: str
    title: str
    digest: str
    unit: str
    source: str
    author: str
    days_ago: int
    body: str
    related: tuple[str, ...] = ()
    document_no: str | None = None
    validity: str | None = None
    # The day a policy was signed, where its number and text tell of a year long past; else the day before the first.
    issued_on: str = ""


def load_office() -> Office:
    """Read the city, its units, people, columns and accounts."""
    raw = _read("office.yaml")
    return Office(
        city=raw["city"],
        region_code=raw["region_code"],
        area_code=raw["area_code"],
        units=tuple(UnitRow(**row) for row in raw["units"]),
        people=tuple(PersonRow(**_tupled(row, "roles")) for row in raw["people"]),
        columns=tuple(ColumnRow(**row) for row in raw["columns"]),
        accounts=tuple(AccountRow(**{**row, "register": RegisterEntry(**row["register"])}) for row in raw["accounts"]),
    )


def load_guides() -> tuple[GuideRow, ...]:
    """Read the service guides."""
    return tuple(_guide(row) for row in _read("guides.yaml"))


def load_faqs() -> tuple[FaqRow, ...]:
    """Read the questions with their wordings."""
    return tuple(FaqRow(**_tupled(row, "wordings")) for row in _read("faqs.yaml"))


def load_smalltalk() -> tuple[SmallTalk, ...]:
    """Read the turns around a question."""
    return tuple(SmallTalk(**_tupled(row, "wordings")) for row in _read("smalltalk.yaml"))


def load_notices() -> tuple[NoticeRow, ...]:
    """Read the news, notices, policies and interpretations."""
    return tuple(NoticeRow(**_tupled(row, "related")) for row in _read("notices.yaml"))


def _guide(row: dict[str, Any]) -> GuideRow:
    typed = _tupled(row, "audience", "basis", "conditions", "faqs")
    typed["materials"] = tuple(Material(**material) for material in row["materials"])
    typed["steps"] = tuple(Step(**step) for step in row["steps"])
    typed["statutory"] = TimeLimit(**row["statutory"])
    typed["promised"] = TimeLimit(**row["promised"])
    typed["online"] = Online(**row["online"])
    typed["fee"] = Fee(**row["fee"])
    typed["places"] = tuple(DistrictPlace(**place) for place in row.get("places") or ())
    typed["result"] = Result(**row["result"])
    return GuideRow(**typed)


def _tupled(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**row, **{name: tuple(row[name]) for name in names}}


def _read(name: str) -> Any:
    return yaml.safe_load((DATA / name).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """A gallery: its text, and what each drawn picture shows."""

    title: str
    summary: str
    body: str
    shots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """One collected piece, by the key of a notice or guide, in its section."""

    section: str
    key: str


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A feature and what it collects."""

    title: str
    summary: str
    standfirst: str
    parts: tuple[FeaturePart, ...]


@dataclass(frozen=True, slots=True)
class Specials:
    """What stands beside the ordinary columns."""

    repealed: str
    repealed_note: str
    gallery: GalleryRow
    feature: FeatureRow


def load_specials() -> Specials:
    """The gallery, the feature, and the policy that is no longer in force."""
    rows = yaml.safe_load((DATA / "specials.yaml").read_text("utf-8"))
    gallery, feature = rows["gallery"], rows["feature"]
    parts = tuple(FeaturePart(**part) for part in feature.pop("parts"))
    shots = tuple(gallery.pop("shots"))
    return Specials(
        repealed=rows["repealed"],
        repealed_note=rows["repealed_note"],
        gallery=GalleryRow(**gallery, shots=shots),
        feature=FeatureRow(**feature, parts=parts),
    )


@dataclass(frozen=True, slots=True)
class Attended:
    """What a person did in a conversation: taken after so many seconds, answered, filed under a class.

    `item` is the title of the guide it was about, by which the rating counts as 好差评.
    """

    agent: str
    waits: int
    answers: tuple[str, ...]
    replies: tuple[str, ...]
    filed: str
    summary: str
    item: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation of the past: when it began (office time), what the citizen wrote, how he was served.

    `righted` is what became of a low rating.
    """

    days_ago: int
    at: str
    says: tuple[str, ...]
    person: Attended | None = None
    rating: str = ""
    righted: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    """One ticket of the past; answered `after` so many days, public in the words of `public` where there are any."""

    days_ago: int
    kind: str
    name: str
    contact: str
    text: str
    after: int
    answer: str
    signed: bool
    public: str


def load_talks() -> tuple[Talk, ...]:
    """The conversations of the past, those about one item too."""
    rows = _read("talks.yaml")
    return (*(_talk(row) for row in rows["talks"]), *(_served(row) for row in rows["served"]))


def load_matters() -> tuple[Matter, ...]:
    """The tickets of the last weeks."""
    return tuple(Matter(**row) for row in _read("talks.yaml")["matters"])


def _served(row: dict[str, Any]) -> Talk:
    person = Attended(
        agent=row["agent"],
        waits=row["waits"],
        answers=("您好，请问您办理什么事项？", row["told"]),
        replies=(row["asks"],),
        filed="政务服务 / 户籍证件",
        summary=f"解答{row['item']}：{row['asks']}",
        item=row["item"],
    )
    return Talk(row["days_ago"], row["at"], ("人工",), person, row["rating"], row.get("righted", ""))


def _talk(row: dict[str, Any]) -> Talk:
    person = row.get("person")
    attended = Attended(**_tupled(person, "answers", "replies")) if person else None
    return Talk(**{**_tupled(row, "says"), "person": attended})
