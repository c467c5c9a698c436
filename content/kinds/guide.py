"""办事指南: a service guide with the elements an inspector looks for, and the rules that hold between them.

The elements follow the national service platform's field list; the consistency rules are those that a
local review office works by (承诺/法定时限, 现场次数, 收费, 电话).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from content.kinds.base import Fault, FieldSpec, Kind, links_in
from templates.views import Material, Place, PortalFile, PortalGuide, Step

Fields = Mapping[str, Any]

LIMIT_UNITS = (("workdays", "个工作日"), ("days", "日"))
_CALENDAR_DAYS = {"workdays": 7 / 5, "days": 1.0}

FIELDS = (
    FieldSpec("catalog_code", "基本编码", limit=40),
    FieldSpec("handle_code", "业务办理项编码", limit=60),
    FieldSpec("task_code", "实施编码", limit=60),
    FieldSpec("item_type", "事项类型", limit=40, help="如行政许可、行政确认、公共服务"),
    FieldSpec("responsible", "实施主体", required=True, limit=100),
    FieldSpec("responsible_kind", "实施主体性质", limit=40, help="如法定机关、授权组织、受委托组织"),
    FieldSpec("entrusted", "委托部门", limit=100),
    FieldSpec("power_source", "权力来源", limit=40, help="如法定本级行使、上级下放"),
    FieldSpec("level", "行使层级", limit=40),
    FieldSpec("audience", "服务对象", "lines", required=True, help="每行一项：个人、法人"),
    FieldSpec("theme", "主题分类", limit=40, help="只服务个人或只服务法人的填这一项；两者都服务的，填下面两项"),
    FieldSpec("personal_theme", "个人主题分类", limit=40, help="如证件办理、生育收养、社会保障"),
    FieldSpec("legal_theme", "法人主题分类", limit=40, help="如设立变更、准营准办、人力资源"),
    FieldSpec("basis", "设定依据", "lines", required=True),
    FieldSpec("conditions", "受理条件", "lines", required=True),
    FieldSpec(
        "materials",
        "申请材料",
        "rows",
        columns=(
            FieldSpec("name", "材料名称", required=True, limit=200),
            FieldSpec("form", "材料形式", limit=40),
            FieldSpec("copies", "纸质份数", "number"),
            FieldSpec("source", "来源渠道", limit=100),
            FieldSpec("necessity", "材料必要性", limit=20),
            FieldSpec("kind", "材料类型", limit=40),
            FieldSpec("specification", "规格", limit=100),
            FieldSpec("blank", "空表", limit=200, help="附件的文件名，先在“附件”中上传"),
            FieldSpec("sample", "样表", limit=200, help="附件的文件名，先在“附件”中上传"),
            FieldSpec("note", "备注", limit=200),
        ),
    ),
    FieldSpec(
        "steps",
        "办理流程",
        "rows",
        required=True,
        columns=(
            FieldSpec("name", "环节", required=True, limit=40),
            FieldSpec("text", "说明", limit=500),
            FieldSpec("limit", "时限", limit=40),
        ),
    ),
    FieldSpec("case_type", "办件类型", "choice", required=True, choices=(("即办件", "即办件"), ("承诺件", "承诺件"))),
    FieldSpec("review_type", "审查类型", limit=20, help="如即审即办、前审后批"),
    FieldSpec("handling", "办理形式", limit=60, help="如窗口办理、网上办理、快递申请"),
    FieldSpec("statutory", "法定办结时限", "number", required=True, help="0 为即办"),
    FieldSpec("statutory_unit", "法定时限单位", "choice", choices=LIMIT_UNITS),
    FieldSpec("promised", "承诺办结时限", "number", required=True, help="0 为即办"),
    FieldSpec("promised_unit", "承诺时限单位", "choice", choices=LIMIT_UNITS),
    FieldSpec("visits", "到办事现场次数", "number", required=True),
    FieldSpec("visits_reason", "必须现场办理原因", limit=200),
    FieldSpec("online", "可网上办理", "flag"),
    FieldSpec("online_depth", "网上办理深度", limit=20),
    FieldSpec("online_address", "网上办理地址", limit=500),
    FieldSpec("mail", "支持邮寄", "flag"),
    FieldSpec("charged", "是否收费", "flag"),
    FieldSpec("fee_item", "收费项目", limit=200),
    FieldSpec("fee_amount", "收费标准", limit=200),
    FieldSpec("fee_basis", "收费依据", limit=300),
    FieldSpec("pay_online", "支持网上支付", "flag"),
    FieldSpec("booking", "预约办理", limit=100),
    FieldSpec("hall", "进驻政务大厅", limit=60),
    FieldSpec("terminals", "自助终端办理", limit=60),
    FieldSpec("anywhere", "通办范围", limit=40),
    FieldSpec("joint", "联办机构", limit=200),
    FieldSpec("intermediary", "中介服务", limit=200),
    FieldSpec("place", "办理地点", required=True, limit=300),
    FieldSpec(
        "places",
        "各区县办理地点",
        "rows",
        help="各区县分别办理的，逐处填写；市民问去哪办时，先问在哪个区县",
        columns=(
            FieldSpec("district", "区县", required=True, limit=40),
            FieldSpec("name", "办理机构或窗口", limit=100),
            FieldSpec("address", "地址", required=True, limit=200),
            FieldSpec("hours", "办理时间", limit=100),
            FieldSpec("phone", "电话", limit=60),
        ),
    ),
    FieldSpec("hours", "办理时间", required=True, limit=200),
    FieldSpec("phone", "咨询电话", required=True, limit=60),
    FieldSpec("supervision_phone", "监督投诉电话", required=True, limit=60),
    FieldSpec("result_type", "结果类型", limit=40),
    FieldSpec("result_name", "结果名称", limit=100),
    FieldSpec("result_sample", "结果样本", limit=200),
    FieldSpec("review_body", "行政复议部门、地址、电话、网址", limit=300),
    FieldSpec("lawsuit_body", "行政诉讼部门、地址、电话、网址", limit=300),
)


def _in_days(fields: Fields, name: str) -> float:
    return float(fields.get(name) or 0) * _CALENDAR_DAYS.get(str(fields.get(f"{name}_unit")), 7 / 5)


_PERSONS = frozenset({"个人", "自然人"})
_AUDIENCES = {"personal": "个人", "legal": "法人"}
_LICENCE, _LICENCE_STEPS = "行政许可", ("受理", "审核", "审批", "办结", "送达")
_AREA_CODE = re.compile(r"(0\d{2,3}[- ]?\d{7,8}|1\d{4}|0\d{2,3}-?12345|400[- ]?\d{3}[- ]?\d{4})([-转]\d{1,6})?")
_BETWEEN_NUMBERS = re.compile(r"\s*[、，,；;/]\s*")
_RESULT_ENDS = (("证", "出证"), ("文", "出文"), ("批复", "出文"))


def _phone_without_area(fields: Fields, name: str) -> bool:
    numbers = _BETWEEN_NUMBERS.split(str(fields.get(name) or "").strip())
    return bool(fields.get(name)) and not all(
        _AREA_CODE.fullmatch(re.sub(r"[（(].*?[）)]", "", one)) for one in numbers
    )


def _result_disagrees(fields: Fields) -> bool:
    name, kind = str(fields.get("result_name") or ""), str(fields.get("result_type") or "")
    fitting = next((wanted for end, wanted in _RESULT_ENDS if name.endswith(end)), "")
    return bool(fitting and kind) and kind != fitting


# (the field a fault stands beside, whether the fields break the rule, what is told)
_RULES: tuple[tuple[str, Callable[[Fields], bool], str], ...] = (
    ("promised", lambda f: _in_days(f, "promised") > _in_days(f, "statutory"), "承诺办结时限长于法定办结时限。"),
    (
        "case_type",
        lambda f: f.get("promised") == 0 and f.get("case_type") == "承诺件",
        "承诺时限为即办的，办件类型应为即办件。",
    ),
    (
        "case_type",
        lambda f: bool(f.get("promised")) and f.get("case_type") == "即办件",
        "承诺时限不是即办的，办件类型应为承诺件。",
    ),
    (
        "visits_reason",
        lambda f: bool(f.get("visits")) and not f.get("visits_reason"),
        "到现场次数不为 0，须说明必须现场办理的原因。",
    ),
    (
        "visits_reason",
        lambda f: f.get("visits") == 0 and bool(f.get("visits_reason")),
        "到现场次数为 0，不应填写必须现场办理原因。",
    ),
    (
        "mail",
        lambda f: f.get("visits") == 0 and not f.get("online") and not f.get("mail"),
        "到现场次数为 0 且不能网办，须支持邮寄。",
    ),
    (
        "fee_basis",
        lambda f: bool(f.get("charged")) and not (f.get("fee_basis") and f.get("fee_item")),
        "收费事项须填写收费项目和依据。",
    ),
    (
        "pay_online",
        lambda f: bool(f.get("charged")) and bool(f.get("online")) and not f.get("pay_online"),
        "收费事项可网上办理的，应支持网上支付。",
    ),
    (
        "review_type",
        lambda f: f.get("promised") == 0 and f.get("review_type") not in (None, "", "即审即办"),
        "承诺时限为即办的，审查类型应为即审即办。",
    ),
    (
        "visits",
        lambda f: str(f.get("online_depth") or "").startswith("Ⅳ") and bool(f.get("visits")),
        "网上办理深度为Ⅳ级（全程网办）的，到现场次数应为 0。",
    ),
    ("phone", lambda f: _phone_without_area(f, "phone"), "咨询电话须带区号。"),
    ("supervision_phone", lambda f: _phone_without_area(f, "supervision_phone"), "监督投诉电话须带区号。"),
    ("result_type", _result_disagrees, "结果名称与结果类型不一致：以“证”结尾的应为出证，以“文”“批复”结尾的应为出文。"),
    ("pay_online", lambda f: not f.get("charged") and bool(f.get("pay_online")), "不收费的事项不应有网上支付。"),
    (
        "supervision_phone",
        lambda f: bool(f.get("phone")) and f.get("phone") == f.get("supervision_phone"),
        "咨询电话与监督投诉电话不应相同。",
    ),
    (
        "steps",
        lambda f: f.get("item_type") == _LICENCE and len(f.get("steps") or []) < len(_LICENCE_STEPS),
        f"行政许可的办理流程应不少于 {len(_LICENCE_STEPS)} 个环节（{'、'.join(_LICENCE_STEPS)}）。",
    ),
    (
        "item_type",
        lambda f: f.get("item_type") == _LICENCE and not links_in(f.get("incoming", ()), "faq"),
        "行政许可应至少有 1 条常见问题：请新建常见问题，并在其“对应办事指南”中选择本指南。",
    ),
    (
        "result_sample",
        lambda f: bool(f.get("result_name")) and not f.get("result_sample"),
        "有审批结果的，须提供结果样本。",
    ),
)


def _lint(fields: Fields) -> list[Fault]:
    found = [Fault(field, "warn", message) for field, broken, message in _RULES if broken(fields)]
    return [*found, *_misnamed_steps(fields), *_misplaced_themes(fields)]


def _misnamed_steps(fields: Fields) -> list[Fault]:
    steps = [str(row.get("name") or "") for row in fields.get("steps") or []]
    missing = [wanted for wanted in _LICENCE_STEPS if not any(wanted in name for name in steps)]
    if fields.get("item_type") != _LICENCE or not missing:
        return []
    return [Fault("steps", "warn", f"行政许可的办理流程缺少环节：{'、'.join(missing)}。")]


def _misplaced_themes(fields: Fields) -> list[Fault]:
    """服务对象 against 主题分类; a guide that says no theme at all stands on no shelf, so it is stopped."""
    served, own = facets(fields), {facet: _own_theme(fields, facet) for facet in _AUDIENCES}
    if not fields.get("theme") and not any(own.values()):
        return [Fault("theme", "block", "主题分类未填写：请填写“主题分类”，或分别填写个人、法人的主题分类。")]
    found = []
    for facet, word in _AUDIENCES.items():
        if own[facet] and served and facet not in served:
            why = f"服务对象中没有{word}，不应填写{word}主题分类。"
        elif facet in served and not own[facet] and (len(served) > 1 or not fields.get("theme")):
            why = f"服务对象中有{word}，须填写{word}主题分类。"
        else:
            continue
        found.append(Fault(f"{facet}_theme", "warn", why))
    return found


def facets(fields: Fields) -> set[str]:
    """Whom a guide serves, as the shelves know them: `personal`, `legal`."""
    return {facet_of(name) for one in fields.get("audience") or [] if (name := str(one).strip())}


def facet_of(audience: str) -> str:
    """The side of the portal on which those stand whom a guide calls so (个人, 自然人; anybody else is 法人)."""
    return "personal" if audience in _PERSONS else "legal"


def theme_for(fields: Fields, facet: str) -> str:
    """The theme under which a guide stands for one side: its own, or the one of a guide that gave only one."""
    return _own_theme(fields, facet) or str(fields.get("theme") or "")


def themes(fields: Fields) -> dict[str, str]:
    """The themes of those whom a guide serves, by side; none for a side without."""
    found = {facet: theme_for(fields, facet) for facet in _AUDIENCES if facet in facets(fields)}
    return {facet: theme for facet, theme in found.items() if theme}


def _own_theme(fields: Fields, facet: str) -> str:
    return str(fields.get(f"{facet}_theme") or "")


def _theme_text(fields: Fields) -> str:
    found = themes(fields)
    if len(set(found.values())) < 2:
        return next(iter(found.values()), str(fields.get("theme") or ""))
    return "、".join(f"{theme}（{_AUDIENCES[facet]}）" for facet, theme in found.items())


def _shelves(fields: Fields) -> Sequence[tuple[str, str]]:
    body = str(fields.get("responsible") or "")
    return [*sorted(themes(fields).items()), *([("department", body)] if body else [])]


def limit_text(fields: Fields, name: str) -> str:
    """A limit as a guide prints it: 即办, 20 个工作日, 60 日; empty where the guide is silent."""
    number = fields.get(name)
    if number is None:
        return ""
    if number == 0:
        return "即办"
    return f"{number}{dict(LIMIT_UNITS).get(str(fields.get(f'{name}_unit')), '个工作日')}"


def fee_text(fields: Fields) -> str:
    """What it costs, as a guide prints it."""
    if not fields.get("charged"):
        return "不收费"
    return "：".join(part for part in (str(fields.get("fee_item", "")), str(fields.get("fee_amount", ""))) if part)


def _printed(fields: Fields) -> Mapping[str, str]:
    return {
        **{name: limit_text(fields, name) for name in ("statutory", "promised")},
        **dict.fromkeys(("statutory_unit", "promised_unit"), ""),
        "visits": _visits(fields),
    }


def _visits(fields: Fields) -> str:
    return f"{fields['visits']} 次" if fields.get("visits") is not None else ""


def _view(base: Mapping[str, Any], fields: Fields) -> PortalGuide:
    sample = fields.get("result_sample", "")
    # Forms stand beside the paper they are for; what else is attached stands beneath.
    named = {name for _row, name in _named_files(fields)}
    files = {file.name: file for file in base["files"]}
    return PortalGuide(
        **{**base, "files": [file for file in base["files"] if file.name not in named]},
        audience="、".join(fields.get("audience") or []),
        body_responsible=fields.get("responsible", ""),
        case_type=fields.get("case_type", ""),
        legal_basis=fields.get("basis") or [],
        conditions=fields.get("conditions") or [],
        materials=[_material(row, files) for row in fields.get("materials") or []],
        steps=[
            Step(row.get("name", ""), row.get("text", ""), row.get("limit", "")) for row in fields.get("steps") or []
        ],
        statutory_limit=limit_text(fields, "statutory"),
        promised_limit=limit_text(fields, "promised"),
        fee=fee_text(fields),
        fee_basis=fields.get("fee_basis", ""),
        places=[
            Place(
                fields.get("responsible", ""), fields.get("place", ""), fields.get("hours", ""), fields.get("phone", "")
            ),
            *(_place(row, fields) for row in fields.get("places") or []),
        ],
        consult_phone=fields.get("phone", ""),
        complaint_phone=fields.get("supervision_phone", ""),
        task_code=fields.get("task_code", ""),
        task_type=fields.get("item_type", ""),
        theme=_theme_text(fields),
        visits=_visits(fields),
        visits_reason=fields.get("visits_reason", ""),
        online_href=fields.get("online_address", "") if fields.get("online") else "",
        online_depth=fields.get("online_depth", ""),
        result_name=fields.get("result_name", ""),
        result_kind=fields.get("result_type", ""),
        pay_online="支持" if fields.get("pay_online") else "",
        express="支持邮寄" if fields.get("mail") else "",
        body_kind=fields.get("responsible_kind", ""),
        entrusted=fields.get("entrusted", ""),
        level=fields.get("level", ""),
        handling=fields.get("handling", ""),
        booking=fields.get("booking", ""),
        province_wide=fields.get("anywhere", ""),
        joint_bodies=fields.get("joint", ""),
        intermediary=fields.get("intermediary", ""),
        review_body=fields.get("review_body", ""),
        lawsuit_body=fields.get("lawsuit_body", ""),
        result_sample=files.get(sample),
        facts=[(label, str(text)) for label, text in _facts(fields, "" if sample in files else sample) if text],
        asked=links_in(fields.get("incoming", ()), "faq"),
    )


def _place(row: Mapping[str, Any], fields: Fields) -> Place:
    name = " ".join(part for part in (str(row.get("district") or ""), str(row.get("name") or "")) if part)
    hours = str(row.get("hours") or fields.get("hours", ""))
    return Place(name, str(row.get("address") or ""), hours, str(row.get("phone") or ""))


def _facts(fields: Fields, sample: str) -> Sequence[tuple[str, Any]]:
    return (
        ("基本编码", fields.get("catalog_code")),
        ("业务办理项编码", fields.get("handle_code")),
        ("权力来源", fields.get("power_source")),
        ("审查类型", fields.get("review_type")),
        ("进驻政务大厅", fields.get("hall")),
        ("自助终端办理", fields.get("terminals")),
        ("结果样本", sample),
    )


def _named_files(fields: Fields) -> list[tuple[str, str]]:
    rows = fields.get("materials") or []
    return [(str(row.get("name", "")), str(row[one])) for row in rows for one in ("blank", "sample") if row.get(one)]


def _material(row: Mapping[str, Any], files: Mapping[str, PortalFile]) -> Material:
    return Material(
        name=row.get("name", ""),
        source=row.get("source", ""),
        form=row.get("form", ""),
        copies=int(row.get("copies") or 0),
        necessity=row.get("necessity", "") or "必要",
        kind=row.get("kind", ""),
        specification=row.get("specification", ""),
        blank=files.get(str(row.get("blank") or "")),
        sample=files.get(str(row.get("sample") or "")),
        note=row.get("note", ""),
    )


KIND = Kind(
    name="guide",
    label="办事指南",
    position=50,
    fields=FIELDS,
    needs_body=False,
    lint=_lint,
    printed=_printed,
    view=_view,
    shelves=_shelves,
    named_files=_named_files,
    open_elements=True,
)
