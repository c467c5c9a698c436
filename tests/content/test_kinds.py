"""Kinds that show more than a text: pictures taken out of their text, recordings with a text version, features."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from content import checks
from content.checks import Document, html_part
from content.kinds import all_kinds, kind_of
from templates.views import PortalColumn, PortalFeature, PortalFile, PortalGuide

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def base(**words: Any) -> dict[str, Any]:
    """What every kind's view is given."""
    column = PortalColumn("图集", "/tuji/", "", "", "图集")
    given = {"id": "1", "title": "题", "href": "/tuji/1.html", "column": column, "published_at": NOW, "unit": "甲"}
    return {**given, "source": "甲", "body_html": "", "files": [], **words}


def test_a_gallery_shows_its_pictures_once_each_with_its_description() -> None:
    body = '<p>春天的江边。</p><p><img src="/media/a.jpg" alt="桥 &amp; 江" width="900" height="600"></p>'
    item = kind_of("gallery").view(base(body_html=body), {"photographer": "李明"})
    assert [(one.src, one.alt, one.width, one.height) for one in item.pictures] == [
        ("/media/a.jpg", "桥 & 江", 900, 600)
    ]
    assert item.body_html == "<p>春天的江边。</p>"
    assert item.author == "李明"


@pytest.mark.parametrize(("kind", "name"), [("video", "片.MP4"), ("audio", "声.mp3")])
def test_a_recording_plays_its_file_and_prints_its_text(kind: str, name: str) -> None:
    files = [PortalFile("说明.docx", "/files/1"), PortalFile(name, "/files/2")]
    item = kind_of(kind).view(base(files=files), {"transcript": "第一句<b>\n\n第二句"})
    assert item.video == "/files/2"
    assert [file.name for file in item.files] == ["说明.docx"]
    assert item.transcript_html == "<p>第一句&lt;b&gt;</p><p>第二句</p>"


def test_a_film_shows_its_first_captions_and_lists_the_others() -> None:
    files = [PortalFile(name, f"/files/{name}") for name in ("甲.vtt", "片.mp4", "乙.VTT")]
    item = kind_of("video").view(base(files=files), {"transcript": "字"})
    assert (item.video, item.captions, [file.name for file in item.files]) == (
        "/files/片.mp4",
        "/files/甲.vtt",
        ["乙.VTT"],
    )
    alone = kind_of("video").view(base(files=files[:1]), {"transcript": "字"})
    assert (alone.captions, [file.name for file in alone.files]) == ("", ["甲.vtt"])


@pytest.mark.parametrize(
    ("files", "said", "blocked"),
    [
        (["片.mp4"], "", True),
        (["片.WEBM", "说明.docx"], "", True),
        (["片.mp4", "片.vtt"], "", False),
        (["片.mp4"], "open", False),
        (["片.mp4"], "silent", False),
        (["说明.docx"], "", False),
    ],
)
def test_a_film_without_captions_is_not_submitted(files: list[str], said: str, blocked: bool) -> None:
    fields = {"transcript": "大家好。", "captions": said}
    found = checks.run(Document(kind_of("video"), "题", [], fields, files=files))
    assert [(one.level, one.place, one.label) for one in found] == [("block", "fields.captions", "字幕")] * blocked


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_a_recording_without_its_text_is_not_submitted(kind: str) -> None:
    assert [spec.name for spec in all_kinds()[kind].missing({"transcript": ""})] == ["transcript"]


def test_a_feature_groups_what_is_public_and_leaves_out_what_is_not() -> None:
    rows = [{"section": "政策", "piece": 1}, {"section": "政策", "piece": 2}, {"section": "新闻", "piece": 3}]
    linked = [
        {"piece": 1, "title": "甲", "path": "/1.html"},
        {"piece": 3, "title": "丙", "path": "/3.html", "mark": "已废止"},
    ]
    item = kind_of("feature").view(base(), {"collected": rows, "linked": linked})
    assert isinstance(item, PortalFeature)
    assert [(one.label, [entry.title for entry in one.entries]) for one in item.sections] == [
        ("政策", ["甲"]),
        ("新闻", ["丙"]),
    ]
    assert item.sections[1].entries[0].mark == "已废止"


def _rules(body: str, **more: Any) -> list[str]:
    document = Document(kind_of("notice"), "题", [html_part("body", "正文", body)], **more)
    return [one.rule for one in checks.run(document) if one.level == "block"]


def test_pictures_and_scans_alone_are_stopped_until_they_have_a_text() -> None:
    assert _rules('<img src="/media/a.jpg">') == ["text_version"]
    assert _rules("<p>见附件</p>", unread_files=["扫描件.pdf"]) == ["text_version"]
    assert _rules('<p>今年供热时间延长至四月七日。</p><img src="/media/a.jpg">') == []
    assert _rules("<p>短</p>") == []


LINT = kind_of("guide").lint


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"charged": True, "fee_item": "工本费", "fee_basis": "发改", "online": True}, "pay_online"),
        ({"promised": 0, "review_type": "前审后批"}, "review_type"),
        ({"online_depth": "Ⅳ级", "visits": 1, "visits_reason": "采集指纹"}, "visits"),
        ({"phone": "8811001"}, "phone"),
        ({"phone": "13800001111"}, "phone"),
        ({"phone": "12345678"}, "phone"),
        ({"phone": "0530-8811001、13800001111"}, "phone"),
        ({"supervision_phone": "8811001"}, "supervision_phone"),
        ({"result_name": "居民身份证", "result_type": "出文", "result_sample": "样"}, "result_type"),
        ({"audience": ["个人"]}, "theme"),
        ({"audience": ["个人"], "legal_theme": "设立变更"}, "personal_theme"),
        ({"audience": ["个人"], "theme": "证件办理", "legal_theme": "设立变更"}, "legal_theme"),
        ({"audience": ["企业"], "personal_theme": "证件办理", "legal_theme": "设立变更"}, "personal_theme"),
        ({"audience": ["个人", "法人"], "theme": "社会保障"}, "personal_theme"),
        ({"audience": ["自然人", "法人"], "personal_theme": "社会保障"}, "legal_theme"),
        ({"item_type": "行政许可", "steps": [{"name": f"第{one}步"} for one in "一二三四五"]}, "steps"),
        ({"item_type": "行政许可"}, "item_type"),
        ({"item_type": "行政许可", "incoming": [{"kind": "policy", "title": "办法", "path": ""}]}, "item_type"),
    ],
)
def test_a_guide_that_contradicts_itself_is_pointed_out(fields: dict[str, Any], field: str) -> None:
    assert field in [fault.field for fault in LINT(fields)]


@pytest.mark.parametrize(
    "fields",
    [
        {"audience": ["个人"], "theme": "证件办理"},
        {"audience": ["法人"], "legal_theme": "设立变更"},
        {"audience": ["个人", "法人"], "personal_theme": "生育收养", "legal_theme": "社会保障"},
        {
            "item_type": "行政许可",
            "theme": "准营准办",
            "steps": [{"name": name} for name in ("申请", "受理", "现场审核", "审批", "办结", "送达")],
            "incoming": [{"kind": "faq", "title": "多久能办好？", "path": ""}],
        },
    ],
)
def test_a_guide_that_agrees_with_itself_is_left_alone(fields: dict[str, Any]) -> None:
    assert LINT(fields) == []


def test_a_licence_is_told_which_steps_it_lacks() -> None:
    steps = [{"name": name} for name in ("公示", "申请", "受理", "审核", "审批", "送达")]
    found = [fault for fault in LINT({"item_type": "行政许可", "steps": steps}) if fault.field == "steps"]
    assert [(one.level, one.message) for one in found] == [("warn", "行政许可的办理流程缺少环节：办结。")]


@pytest.mark.parametrize(
    ("fields", "shelves", "shown"),
    [
        ({"audience": ["个人"], "theme": "证件办理"}, [("personal", "证件办理")], "证件办理"),
        (
            {"audience": ["法人", "个人"], "theme": "社会保障"},
            [("legal", "社会保障"), ("personal", "社会保障")],
            "社会保障",
        ),
        (
            {"audience": ["法人", "个人"], "personal_theme": "生育收养", "legal_theme": "社会保障"},
            [("legal", "社会保障"), ("personal", "生育收养")],
            "生育收养（个人）、社会保障（法人）",
        ),
        (
            {"audience": ["企业", "个人"], "theme": "社会保障", "legal_theme": "人力资源"},
            [("legal", "人力资源"), ("personal", "社会保障")],
            "社会保障（个人）、人力资源（法人）",
        ),
        (
            {"audience": ["个人"], "theme": "证件办理", "legal_theme": "设立变更"},
            [("personal", "证件办理")],
            "证件办理",
        ),
        ({"audience": ["个人"], "legal_theme": "设立变更"}, [], ""),
    ],
)
def test_a_guide_stands_for_each_side_under_that_sides_theme(
    fields: dict[str, Any], shelves: list[tuple[str, str]], shown: str
) -> None:
    guide = kind_of("guide")
    assert guide.shelves(fields) == shelves
    item = guide.view(base(), fields)
    assert isinstance(item, PortalGuide)
    assert item.theme == shown


@pytest.mark.parametrize(
    "phone",
    [
        "0530-8811001",
        "010-12345678",
        "12345",
        "0530-12345",
        "400-123-4567",
        "0530-8811001、0530-8811002转6",
        "0530-8811001（工作日）",
    ],
)
def test_a_telephone_with_its_area_code_is_fine(phone: str) -> None:
    assert "phone" not in [fault.field for fault in LINT({"phone": phone})]


def test_readers_are_not_told_the_numbers_by_which_pieces_name_each_other() -> None:
    fields = {"policy": 17, "policy_number": "国办发〔2026〕9号"}
    assert "17" in kind_of("interpretation").plain(fields)
    told = kind_of("interpretation").told(fields)
    assert "17" not in told
    assert "国办发〔2026〕9号" in told
    collected = {"collected": [{"section": "政策", "piece": 17}]}
    assert "17" not in kind_of("feature").told(collected)
