"""Learning, answering, and keeping what was learned in one file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bot.nlu.classifier import DEPTH, FORMAT, Classifier, Example
from bot.nlu.errors import NluError, NothingToLearn, UnreadableModel
from bot.nlu.ranking import OUT_OF_SCOPE, decide
from bot.nlu.text import Lexicon
from tests.bot.nlu.questions import held_out

FEW = [
    Example("身份证丢了怎么补办", "idcard_lost"),
    Example("身份证遗失补领需要什么", "idcard_lost"),
    Example("护照怎么办理", "passport"),
    Example("第一次办护照需要什么材料", "passport"),
    Example("公积金怎么提取", "fund"),
    Example("租房提取公积金", "fund"),
]


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ("身份证丢了", "idcard_lost"),
        ("身份證丟了咋整", "idcard_lost"),
        ("我要转人工", "human_handoff"),
        ("谢谢啊", "thanks"),
        ("公积金能取出来吗", "housing_fund_withdraw"),
        ("公司不想开了，怎么注销", "business_cancel"),
    ],
)
def test_clear_questions_are_answered(demo_classifier: Classifier, asked: str, key: str) -> None:
    decision = decide(demo_classifier.predict(asked))
    assert (decision.kind, decision.keys) == ("answer", (key,))


def test_a_bare_noun_is_not_answered_but_suggested(demo_classifier: Classifier) -> None:
    decision = decide(demo_classifier.predict("户口"))
    assert decision.kind == "suggest"
    assert len(decision.keys) == 3


@pytest.mark.parametrize("asked", ["", "   ", "。。。", "😀😀", "\n"])
def test_nothing_said_is_refused(demo_classifier: Classifier, asked: str) -> None:
    ranking = demo_classifier.predict(asked)
    assert ranking.guesses == ()
    assert decide(ranking).kind == "refuse"


def test_a_ranking_falls_and_never_names_out_of_scope(demo_classifier: Classifier) -> None:
    for example in held_out()[::7]:
        ranking = demo_classifier.predict(example.text)
        confidences = [guess.confidence for guess in ranking.guesses]
        assert len(confidences) == DEPTH
        assert confidences == sorted(confidences, reverse=True)
        assert all(0 < value < 1 for value in confidences)
        assert OUT_OF_SCOPE not in {guess.key for guess in ranking.guesses}


def test_learning_twice_gives_the_same(demo_classifier: Classifier) -> None:
    one, other = Classifier.fit(FEW), Classifier.fit(reversed(FEW))
    for example in held_out()[::20]:
        assert [guess.key for guess in one.predict(example.text).guesses] == [
            guess.key for guess in other.predict(example.text).guesses
        ]
    assert np.array_equal(one.weights, Classifier.fit(FEW).weights)


def test_unanswered_questions_teach_refusal() -> None:
    asked = "护照上的旅游攻略怎么写"
    before = Classifier.fit(FEW).predict(asked)
    after = Classifier.fit([*FEW, Example(asked, OUT_OF_SCOPE), Example("旅游攻略", OUT_OF_SCOPE)]).predict(asked)
    assert after.foreign
    assert after.confidence < before.confidence


def test_an_own_lexicon_is_learned_and_kept(tmp_path: Path) -> None:
    fitted = Classifier.fit(FEW, lexicon=Lexicon([("小红本", "护照")]))
    fitted.save(tmp_path / "m.npz")
    for classifier in (fitted, Classifier.load(tmp_path / "m.npz")):
        assert classifier.predict("小红本").guesses[0].key == "passport"


def test_without_background_keys_only_compete_with_each_other() -> None:
    classifier = Classifier.fit(FEW, background=())
    assert classifier.keys == ("fund", "idcard_lost", "passport")
    assert not classifier.predict("护照").foreign
    assert classifier.predict("护照").guesses[0].key == "passport"


def test_two_keys_are_enough() -> None:
    classifier = Classifier.fit(FEW[:4], background=())
    assert classifier.weights.shape[1] == 2
    assert classifier.predict("护照").guesses[0].key == "passport"
    assert classifier.predict("身份证").guesses[0].key == "idcard_lost"


def test_one_key_is_told_from_the_background() -> None:
    classifier = Classifier.fit(FEW[:2])
    assert classifier.predict("身份证丢了").guesses[0].key == "idcard_lost"
    assert decide(classifier.predict("林木采伐许可")).kind == "refuse"


@pytest.mark.parametrize(
    "examples",
    [
        [],
        [Example("。。。", "empty")],
        FEW[:2],
        [Example("养猪", OUT_OF_SCOPE), Example("。", OUT_OF_SCOPE)],
    ],
)
def test_nothing_to_tell_apart_is_an_error(examples: list[Example]) -> None:
    with pytest.raises(NothingToLearn):
        Classifier.fit(examples, background=())


def test_a_saved_classifier_answers_the_same(demo_classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    demo_classifier.save(path)
    loaded = Classifier.load(path)
    assert all(loaded.predict(example.text) == demo_classifier.predict(example.text) for example in held_out()[::5])
    demo_classifier.save(tmp_path / "again.npz")
    assert path.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    junk, empty, other, newer = (tmp_path / name for name in ("junk", "empty", "other.npz", "newer.npz"))
    junk.write_bytes(b"not an archive")
    empty.write_bytes(b"")
    np.savez(other, numbers=np.zeros(3))
    np.savez(newer, format=np.array(FORMAT + 1))
    for path in (junk, empty, other, newer):
        with pytest.raises(UnreadableModel, match=path.name):
            Classifier.load(path)
    assert issubclass(UnreadableModel, NluError)


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", format=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UnreadableModel):
        Classifier.load(tmp_path / "evil.npz")


def test_answering_needs_numpy_alone(demo_classifier: Classifier, tmp_path: Path) -> None:
    demo_classifier.save(tmp_path / "model.npz")
    script = (
        "import sys\nfrom pathlib import Path\nfrom bot.nlu.classifier import Classifier\n"
        f"Classifier.load(Path({str(tmp_path / 'model.npz')!r})).predict('身份证丢了')\n"
        "heavy = {'sklearn', 'scipy', 'sqlalchemy', 'kernel', 'fastapi', 'yaml'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
