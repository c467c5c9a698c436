"""Captions as they are taken in: what is kept of them, and what is refused with its line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import attachments, captions
from kernel.errors import Invalid

VTT = """WEBVTT - 字幕
Kind: captions

NOTE 译制 13800138000

甲
00:01.000 --> 00:03.500 line:90% align:center
<v 主持人>大家好</v>，<i>今天</i>说供热
第二行 1 < 2 &amp; 3

STYLED
01:00:04.000 --> 01:00:05.000
完
"""
KEPT = """WEBVTT

00:00:01.000 --> 00:00:03.500 line:90% align:center
<v 主持人>大家好</v>，<i>今天</i>说供热
第二行 1 &lt; 2 &amp; 3

01:00:04.000 --> 01:00:05.000
完
"""
SUBRIP = """1
00:00:01,000 --> 00:00:02,500
{\\an8}<font color="#ff0000">大家好</font>

2
00:00:03,000 --> 00:00:04,000  X1:0 X2:10 Y1:0 Y2:10

3
0:00:05,000 --> 0:00:06,000
A&B <b>再见</b>
"""
CUE = "00:01.000 --> 00:02.000"


def why(text: str | bytes, ending: str = ".vtt") -> str:
    """Why a file is refused."""
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(Invalid) as refused:
        captions.read(data, ending)
    assert refused.value.field == "file"
    return refused.value.message("zh")


@pytest.mark.parametrize(("before", "end"), [("", "\n"), ("\ufeff", "\n"), ("", "\r\n"), ("", "\r")])
def test_times_places_and_words_are_kept_and_nothing_that_no_player_shows(before: str, end: str) -> None:
    kept = captions.read(f"{before}{VTT}".replace("\n", end).encode(), ".vtt")
    assert kept.data.decode() == KEPT
    assert kept.text == "主持人：大家好，今天说供热\n第二行 1 < 2 & 3\n完"
    assert captions.read(kept.data, ".vtt") == kept


def test_subrip_becomes_webvtt() -> None:
    kept = captions.read(SUBRIP.encode(), ".srt")
    assert kept.data.decode() == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n大家好\n\n00:00:05.000 --> 00:00:06.000\nA&amp;B <b>再见</b>\n"
    )
    assert kept.text == "大家好\nA&B 再见"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "第 1 行：WebVTT 文件须以“WEBVTT”开头"),
        (SUBRIP, "第 1 行：WebVTT 文件须以“WEBVTT”开头"),
        ("WEBVTTX\n", "第 1 行：WebVTT 文件须以“WEBVTT”开头"),
        ("WEBVTT\n", "没有一条字幕"),
        (f"WEBVTT\n{CUE}\n字", "第 2 行：“WEBVTT”与第一条字幕之间须空一行"),
        (f"WEBVTT\n\n{CUE}\n \n", "没有一条字幕"),
        ("WEBVTT\n\n甲\n乙\n", "第 4 行：应是一条字幕的起止时间"),
        ("WEBVTT\n\n00:01.000 --> 00:61.000\n字", "第 3 行：应是一条字幕的起止时间"),
        ("WEBVTT\n\n00:02.000 --> 00:01.000\n字", "第 3 行：结束时间不晚于开始时间"),
        ("WEBVTT\n\n00:05.000 --> 00:06.000\n字\n\n甲\n00:04.000 --> 00:07.000\n字", "第 7 行：开始时间早于上一条字幕"),
        (f"WEBVTT\n\n{CUE}\n字\n{CUE}\n字", "第 5 行：两条字幕之间须空一行"),
        (f"WEBVTT\n\n{CUE} region:r1\n字", "第 3 行：时间后面的“region:r1”不能识别"),
        (f"WEBVTT\n\n{CUE} line:90%onload\n字", "第 3 行：时间后面的“line:90%onload”不能识别"),
        (
            f"WEBVTT\n\nSTYLE\n::cue {{ background: url(//evil.example/x) }}\n\n{CUE}\n字",
            "第 3 行：不能含样式区块“STYLE”",
        ),
        (f"WEBVTT\n\nREGION\nid:r1\n\n{CUE}\n字", "第 3 行：不能含样式区块“REGION”"),
        (f"WEBVTT\n\n{CUE}\n好\n<script>alert(1)</script>", "第 5 行：不能含标签“<script>”"),
        (f"WEBVTT\n\n{CUE}\n<img src=x onerror=alert(1)>", "第 4 行：不能含标签“<img src=x onerror=alert(1)>”"),
        (f"WEBVTT\n\n{CUE}\n<b onclick=alert(1)>好</b>", "第 4 行：不能含标签“<b onclick=alert(1)>”"),
        (f'WEBVTT\n\n{CUE}\n<v a" onload="x>好', "第 4 行：不能含标签"),
        (f"WEBVTT\n\n{CUE}\n<!-- 看不见 -->", "第 4 行：两条字幕之间须空一行"),
        (f"WEBVTT\n\n{CUE}\n<!-- 看不见 >", "第 4 行：不能含标签“<!-- 看不见>”"),
        (f"WEBVTT\n\n{CUE}\n字&#10;&#10;00:05.000 --&gt; 00:06.000", "第 4 行：含有看不见的控制字符"),
        (f"WEBVTT\n\n{CUE}\n字\x00", "第 4 行：含有看不见的控制字符"),
        (f"WEBVTT\n\n{CUE}\n&#{'9' * 5000};", "第 4 行：超过 1000 字"),
        (f"WEBVTT\n\n{CUE}\n好\n".encode() + "坏".encode("gb18030"), "第 5 行不是 UTF-8 编码"),
        ("WEBVTT".encode("utf-16"), "第 1 行不是 UTF-8 编码"),
        (b"WEBVTT\n\n" + b"x" * captions.MOST_BYTES, "超过 1 MB"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_its_line(text: str | bytes, said: str) -> None:
    assert said in why(text)


def test_subrip_is_refused_with_its_line_too() -> None:
    assert "第 3 行：不能含标签“<script>”" in why(SUBRIP.replace("{\\an8}", "<script>"), ".srt")
    assert "第 2 行：应是一条字幕的起止时间" in why("1\n00:00:01 --> 00:00:02\n字", ".srt")


def test_a_file_of_the_most_bytes_is_taken() -> None:
    cues = "".join(f"{at // 60:02}:{at % 60:02}.000 --> {at // 60:02}:{at % 60:02}.900\n字\n\n" for at in range(3600))
    whole = f"WEBVTT\n\n{cues}NOTE\n"
    whole += "\n".join("x" * 999 for _ in range((captions.MOST_BYTES - len(whole.encode())) // 1000))
    assert captions.read(whole.encode(), ".vtt").text.count("字") == 3600


@given(st.lists(st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=60), max_size=5))
def test_what_is_kept_reads_the_same_again_and_holds_no_unknown_tag(lines: list[str]) -> None:
    text = "WEBVTT\n\n" + "\n\n".join(f"00:{at:02}.000 --> 00:59.000\n{line}" for at, line in enumerate(lines))
    try:
        kept = captions.read(text.encode(), ".vtt")
    except Invalid:
        return
    assert captions.read(kept.data, ".vtt") == kept
    tags = set(re.findall(r"<[^>]*>", kept.data.decode()))
    assert all(re.fullmatch(r"</?[a-z0-9].*>", tag) for tag in tags)


@pytest.mark.parametrize("piece", ["<", "<v", "<a<", "&", "&#9", " ", "{\\an", "<v ", "--", "\t<"])
def test_no_line_takes_long(piece: str) -> None:
    many = "\n".join((piece * captions.MOST_IN_LINE)[: captions.MOST_IN_LINE] for _ in range(100))
    for ending, head in ((".vtt", "WEBVTT\n\n"), (".srt", "")):
        for line in (f"{head}{CUE}\n{many}", f"{head}{many}"):
            said = ""
            try:
                captions.read(line.encode(), ending)
            except Invalid as refused:
                said = refused.message("zh")
            assert not said or "第" in said or "没有" in said


def test_an_upload_is_kept_as_webvtt_under_the_name_it_had() -> None:
    kept = attachments.read("第一集.SRT", SUBRIP.encode())
    assert (kept.name, kept.media_type, kept.text) == ("第一集.vtt", "text/vtt", "大家好\nA&B 再见")
    assert attachments.read(kept.name, kept.data) == kept
    assert attachments.type_of(kept.name) == "text/vtt"
    assert attachments.type_of("说明") == attachments.type_of("x.exe") == "application/octet-stream"
