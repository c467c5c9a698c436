"""Captions of a film (字幕): read strictly, written anew as WebVTT, so that nothing is kept that nobody sees or checks.

Times, places and words stay. Comments and the names of cues are left out; styles, scripts and what no player shows are
refused with their line, because a file on our own site must not carry what its signers could not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import NoReturn

from kernel.errors import Invalid

ENDINGS = (".vtt", ".srt")
KEPT_AS = ".vtt"
MEDIA_TYPE = "text/vtt"
MOST_BYTES = 1024 * 1024
MOST_IN_LINE = 1000

_ARROW = "-->"
_CLOCK = r"(?:(\d{1,2}):)?([0-5]?\d):([0-5]\d)[.,](\d{3})"
_TIMES = re.compile(rf"\s*{_CLOCK}[ \t]*-->[ \t]*{_CLOCK}(.*)", re.ASCII)
_PERCENT = r"\d{1,3}(?:\.\d{1,4})?%"
_SETTING = re.compile(
    rf"vertical:(?:rl|lr)|line:(?:-?\d{{1,3}}|{_PERCENT})(?:,(?:start|center|end))?"
    rf"|position:{_PERCENT}(?:,(?:line-left|center|line-right))?|size:{_PERCENT}|align:(?:start|center|end|left|right)",
    re.ASCII,
)
# What a SubRip file says of places on the screen, which WebVTT says otherwise.
_PLACES = re.compile(r"\s*(?:[XY][12]:-?\d+\s*){4}", re.ASCII)
_PLACE = re.compile(r"\{\\an?\d{1,2}\}", re.ASCII)
_TAG = re.compile(r"<([a-zA-Z/!?\d][^<>]*|)>")
_KNOWN = re.compile(
    r"/?(?:b|i|u|c|ruby|rt)(?:\.[\w-]{1,30})*|/(?:v|lang)|lang[ \t]+[A-Za-z-]{2,35}"
    r"|v(?:\.[\w-]{1,30})*[ \t]+[^&\"'=]{1,60}|(?:\d{2}:)?[0-5]\d:[0-5]\d\.\d{3}"
)
_SPEAKER = re.compile(r"v(?:\.[\w-]+)*[ \t]+(.*)")
_FONT = re.compile(r"/?font\b.*", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Line = tuple[int, str]


@dataclass(frozen=True)
class Captions:
    """Captions ready to be kept: the file, and its words as they are read aloud or searched, a line each."""

    data: bytes
    text: str


@dataclass(frozen=True)
class _Cue:
    starts: int
    ends: int
    settings: str
    lines: Sequence[str]
    said: Sequence[str]


def is_captions(name: str) -> bool:
    """Whether a kept file is one of captions, by its name."""
    return name.lower().endswith(KEPT_AS)


def kept_name(name: str) -> str:
    """What the file is called once it is kept: the same with the ending of WebVTT."""
    return f"{name.rpartition('.')[0]}{KEPT_AS}"


def read(data: bytes, ending: str) -> Captions:
    """Captions out of an uploaded file of one of the `ENDINGS`.

    Raises Invalid naming the line that cannot be taken.
    """
    if len(data) > MOST_BYTES:
        raise Invalid(field="file", why=f"字幕文件超过 {MOST_BYTES // 1024 // 1024} MB，请按影片分成几个文件。")
    lines = _lines_of(data)
    subrip = ending == ".srt"
    cues = list(_cues(_blocks(lines if subrip else _after_head(lines)), subrip))
    if not cues:
        raise Invalid(field="file", why="字幕文件里没有一条字幕。")
    parts = ["WEBVTT", *(_written(cue) for cue in cues)]
    return Captions(("\n\n".join(parts) + "\n").encode(), "\n".join(line for cue in cues for line in cue.said))


def _lines_of(data: bytes) -> list[Line]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise Invalid(
            field="file", why=f"字幕文件第 {number} 行不是 UTF-8 编码，请在字幕软件里另存为 UTF-8 后再传。"
        ) from error
    lines = list(enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1))
    for number, line in lines:
        if len(line) > MOST_IN_LINE:
            _refuse(number, f"超过 {MOST_IN_LINE} 字")
    return lines


def _after_head(lines: Sequence[Line]) -> Sequence[Line]:
    """What follows the header; what stands in it besides its first word is shown by no player."""
    if not re.fullmatch(r"WEBVTT(?:[ \t].*)?", lines[0][1]):
        _refuse(1, "WebVTT 文件须以“WEBVTT”开头")
    ends = next((at for at, (_number, line) in enumerate(lines) if not line.strip()), len(lines))
    for number, line in lines[:ends]:
        if _ARROW in line:
            _refuse(number, "“WEBVTT”与第一条字幕之间须空一行")
    return lines[ends:]


def _blocks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    block: list[Line] = []
    for number, line in [*lines, (0, "")]:
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []


def _cues(blocks: Iterator[list[Line]], subrip: bool) -> Iterator[_Cue]:
    last = 0
    for block in blocks:
        number, first = block[0]
        word = first.split()[0]
        if not subrip and _ARROW not in first:
            if word == "NOTE":
                continue
            if word in ("STYLE", "REGION"):
                _refuse(number, f"不能含样式区块“{word}”，字幕的样子由门户统一决定，请删去后再传")
        cue = _cue(block, subrip)
        if cue.starts < last:
            _refuse(_times_at(block)[0], "开始时间早于上一条字幕")
        last = cue.starts
        if cue.lines:
            yield cue


def _times_at(block: Sequence[Line]) -> Line:
    """The line of a cue's times: its first, or the second after its name or number."""
    return block[0] if _ARROW in block[0][1] or len(block) == 1 else block[1]


def _cue(block: Sequence[Line], subrip: bool) -> _Cue:
    number, line = _times_at(block)
    found = _TIMES.fullmatch(line)
    if found is None:
        _refuse(number, "应是一条字幕的起止时间，如“00:00:01.000 --> 00:00:03.500”")
    starts, ends = _milliseconds(found.groups()[:4]), _milliseconds(found.groups()[4:8])
    if ends <= starts:
        _refuse(number, "结束时间不晚于开始时间")
    settings = _settings(number, found[9], subrip)
    lines, said = [], []
    for at, words in block[block.index((number, line)) + 1 :]:
        if _ARROW in words:
            _refuse(at, "两条字幕之间须空一行")
        shown, spoken = _words(at, words, subrip)
        if spoken:
            lines.append(shown)
            said.append(spoken)
    return _Cue(starts, ends, settings, lines, said)


def _milliseconds(parts: Sequence[str | None]) -> int:
    hours, minutes, seconds, rest = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def _settings(number: int, text: str, subrip: bool) -> str:
    if subrip and _PLACES.fullmatch(text):
        return ""
    settings = text.split()
    for one in settings:
        if not _SETTING.fullmatch(one):
            _refuse(number, f"时间后面的“{one[:30]}”不能识别")
    return " ".join(settings)


def _words(number: int, line: str, subrip: bool) -> tuple[str, str]:
    """A line as it is kept, and as it is read."""
    shown, spoken, at = [], [], 0
    line = _PLACE.sub("", line) if subrip else line
    for tag in _TAG.finditer(line):
        before, name = line[at : tag.start()], tag[1].strip()
        at = tag.end()
        spoken.append(_plain(number, before))
        shown.append(escape(spoken[-1], quote=False))
        if _KNOWN.fullmatch(name):
            shown.append(f"<{name}>")
            speaker = _SPEAKER.fullmatch(name)
            spoken.append(f"{speaker[1].strip()}：" if speaker else "")
        elif name and not (subrip and _FONT.fullmatch(name)):
            _refuse(number, f"不能含标签“<{name[:30]}>”，请删去后再传")
    rest = _plain(number, line[at:])
    return "".join([*shown, escape(rest, quote=False)]).strip(), "".join([*spoken, rest]).strip()


def _plain(number: int, words: str) -> str:
    # What stands for a character must not bring in a line end, after which anything might follow.
    plain = unescape(words)
    if _CONTROL.search(plain) or "\n" in plain:
        _refuse(number, "含有看不见的控制字符")
    return plain


def _written(cue: _Cue) -> str:
    times = f"{_clock(cue.starts)} {_ARROW} {_clock(cue.ends)} {cue.settings}".rstrip()
    return "\n".join([times, *cue.lines])


def _clock(at: int) -> str:
    seconds, rest = divmod(at, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{rest:03}"


def _refuse(number: int, why: str) -> NoReturn:
    raise Invalid(field="file", why=f"字幕文件第 {number} 行：{why}。")
