"""What is left of an article's HTML."""

from __future__ import annotations

import pytest

from channels.rehearsal.wechat.html_filter import clean
from tests.channels.rehearsal.served import Rehearsal, WeChat, png


def left(content: str) -> str:
    return clean(content, lambda url: url.startswith("https://ours/"), lambda url: url.startswith("https://mp/"))[0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<p>一<script>alert('二')</script>三</p>", "<p>一三</p>"),
        ("<style>p{color:red}</style><p>一</p>", "<p>一</p>"),
        ("<p>一<iframe src='https://v.qq.com/x'>二</iframe></p>", "<p>一</p>"),
        ("<form action='/x'><p>一</p><input name='a'></form>", "<p>一</p>"),
        ("<p id='top' onclick='go()' class='lead'>一</p>", '<p class="lead">一</p>'),
        ("<p style='color:red'>一</p>", '<p style="color:red">一</p>'),
        ("<p style=\"background:url('https://else/a.png')\">一</p>", "<p>一</p>"),
        (
            "<p style='background:url(https://ours/a.png)'>一</p>",
            '<p style="background:url(https://ours/a.png)">一</p>',
        ),
        ("<img src='https://else/a.png' alt='x'>一", "一"),
        ("<img src='https://ours/a.png'/>一<br/>", '<img src="https://ours/a.png">一<br>'),
        ("<a href='https://else/'>一</a>", "一"),
        ("<a href='https://mp/s/1'>一</a>", '<a href="https://mp/s/1">一</a>'),
        ("<a href='https://else/'>一<a href='https://mp/'>二</a></a>", '一<a href="https://mp/">二</a>'),
        ("&lt;b&gt; &amp; &#20113;", "&lt;b&gt; &amp; &#20113;"),
        ("<svg><script>x</script><path d='1'/></svg>一", "一"),
        ("<script>never closed", ""),
        ("<!-- note --><p>一", "<p>一"),
    ],
)
def test_what_survives(content: str, expected: str) -> None:
    assert left(content) == expected


def test_a_draft_keeps_its_own_pictures_only_and_the_ledger_says_what_went(
    rehearsal: Rehearsal, wechat: WeChat
) -> None:
    ours = wechat.upload("media/uploadimg", png())["url"]
    forged = ours.replace("/mmbiz/", "/mmbiz/00")
    content = f'<p><img src="{ours}"><img src="{forged}"><img src="https://else.example/a.png"></p>'
    media = wechat.draft(wechat.article(content=content))
    assert wechat("draft/get", media_id=media)["news_item"][0]["content"] == f'<p><img src="{ours}"></p>'
    assert rehearsal.ledger("draft")[-1]["data"]["removed"] == [f"img {forged}", "img https://else.example/a.png"]
