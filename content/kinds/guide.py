"""办事指南: a service guide with the elements an inspector looks for, and the rules that hold between them.

The elements follow the national service platform's field list; the consistency rules are those that a
local review office works by (承诺/法定时限, 现场次数, 收费, 电话).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from content.kinds.base import Fault, FieldSpec, Kind
from templates.views import Material, Place, PortalGuide, Step

Fields = Mapping[str, Any]

LIMIT_UNITS = (("workdays", "个工作日"), ("days", "日"))
_CALENDAR_DAYS = {"workdays": 7 / 5, "days": 1.0}

FIELDS = (
    FieldSpec("catalog_code", "基本编码", limit=40),
    FieldSpec("task_code", "实施编码", limit=60),
    FieldSpec("item_type", "事项类型", limit=40, help="如行政许可、行政确认、公共服务"),
    FieldSpec("responsible", "实施主体", required=True, limit=100),
    FieldSpec("audience", "服务对象", "lines", required=True, help="每行一项：个人、法人"),
    FieldSpec("theme", "主题分类", required=True, limit=40),
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
    FieldSpec("place", "办理地点", required=True, limit=300),
    FieldSpec("hours", "办理时间", required=True, limit=200),
    FieldSpec("phone", "咨询电话", required=True, limit=60),
    FieldSpec("supervision_phone", "监督投诉电话", required=True, limit=60),
    FieldSpec("result_type", "结果类型", limit=40),
    FieldSpec("result_name", "结果名称", limit=100),
    FieldSpec("result_sample", "结果样本", limit=200),
)


def _in_days(fields: Fields, name: str) -> float:
    return float(fields.get(name) or 0) * _CALENDAR_DAYS.get(str(fields.get(f"{name}_unit")), 7 / 5)


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
    ("pay_online", lambda f: not f.get("charged") and bool(f.get("pay_online")), "不收费的事项不应有网上支付。"),
    (
        "supervision_phone",
        lambda f: bool(f.get("phone")) and f.get("phone") == f.get("supervision_phone"),
        "咨询电话与监督投诉电话不应相同。",
    ),
    (
        "steps",
        lambda f: f.get("item_type") == "行政许可" and len(f.get("steps") or []) < 5,
        "行政许可的办理流程应不少于 5 个环节（受理、审核、审批、办结、送达）。",
    ),
    (
        "result_sample",
        lambda f: bool(f.get("result_name")) and not f.get("result_sample"),
        "有审批结果的，须提供结果样本。",
    ),
)


def _lint(fields: Fields) -> list[Fault]:
    return [Fault(field, "warn", message) for field, broken, message in _RULES if broken(fields)]


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


def _view(base: Mapping[str, Any], fields: Fields) -> PortalGuide:
    sample = fields.get("result_sample", "")
    return PortalGuide(
        **base,
        audience="、".join(fields.get("audience") or []),
        body_responsible=fields.get("responsible", ""),
        case_type=fields.get("case_type", ""),
        legal_basis=fields.get("basis") or [],
        conditions=fields.get("conditions") or [],
        materials=[_material(row) for row in fields.get("materials") or []],
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
            )
        ],
        consult_phone=fields.get("phone", ""),
        complaint_phone=fields.get("supervision_phone", ""),
        task_code=fields.get("task_code", ""),
        task_type=fields.get("item_type", ""),
        theme=fields.get("theme", ""),
        visits=f"{fields['visits']} 次" if fields.get("visits") is not None else "",
        visits_reason=fields.get("visits_reason", ""),
        online_href=fields.get("online_address", "") if fields.get("online") else "",
        online_depth=fields.get("online_depth", ""),
        result_name=fields.get("result_name", ""),
        result_kind=fields.get("result_type", ""),
        pay_online="支持" if fields.get("pay_online") else "",
        express="支持邮寄" if fields.get("mail") else "",
        facts=[("结果样本", sample)] if sample else [],
    )


def _material(row: Mapping[str, Any]) -> Material:
    return Material(
        name=row.get("name", ""),
        source=row.get("source", ""),
        form=row.get("form", ""),
        copies=int(row.get("copies") or 0),
        necessity=row.get("necessity", "") or "必要",
        note=row.get("note", ""),
    )


KIND = Kind(name="guide", label="办事指南", position=50, fields=FIELDS, needs_body=False, lint=_lint, view=_view)
