"""A trial of the search on documents from elsewhere: keys in their order, each with the passage that answers."""

from __future__ import annotations

from content.trial import Trial, read_documents, recall

FILES = {
    "heat": "\ufeff云州市供热管理办法\n第一条 为了规范供热。\n第二条 供热期为每年11月15日至次年3月15日。",
    "dogs": "云州市养犬管理规定\n第三条 饲养犬只应当在三十日内办理养犬登记。",
    "water": "城市供水条例\n第五条 停水应当提前二十四小时公告。",
}


def test_the_document_is_found_by_its_text_and_shows_the_passage() -> None:
    trial = Trial(read_documents(FILES))
    found = trial.ask("dogs", "养狗多少天内要办养犬登记")
    assert found.ranked[0].key == "dogs"
    assert "三十日内办理养犬登记" in found.ranked[0].passage
    assert "<" not in found.ranked[0].passage
    assert set(found.as_json()["ranked"][0]) == {"key", "score", "passage"}
    scores = [one.score for one in found.ranked]
    assert scores == sorted(scores, reverse=True)


def test_recall_counts_those_with_an_answer() -> None:
    trial = Trial(read_documents(FILES))
    searched = [trial.ask("heat", "供热期"), trial.ask("water", "供热期"), trial.ask("", "足球比赛")]
    assert recall(searched, 1) == 0.5
    assert recall([], 5) == 0.0


def test_the_first_line_is_the_title() -> None:
    assert [(one.key, one.title) for one in read_documents(FILES)][:2] == [
        ("dogs", "云州市养犬管理规定"),
        ("heat", "云州市供热管理办法"),
    ]
