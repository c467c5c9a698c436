"""Questions that belong elsewhere: what the classifier learns not to answer."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from bot.nlu.text import Lexicon, normalise, read_pairs

_PHRASINGS = (
    "{}怎么办",
    "{}办理需要什么材料",
    "在哪里申请{}",
    "{}多少钱",
    "{}",
    "{}申请条件",
    "怎么申请{}",
    "{}流程",
    "{}去哪里办",
    "{}多久能办好",
)


@cache
def default_background() -> tuple[tuple[str, str], ...]:
    """The shipped matters and far-off remarks as (kind, phrase)."""
    return tuple(read_pairs(Path(__file__).parent / "background.tsv"))


def foreign_texts(
    background: Sequence[tuple[str, str]], wordings: Iterable[Sequence[str]], lexicon: Lexicon
) -> list[str]:
    """What to teach as out of scope: far remarks as they are, each matter asked in two ways.

    ``wordings`` holds the wordings of each of the office's questions: a phrase whose characters one of them uses is
    left out, so that an office may write a question about anything without fighting the background.
    """
    own = [frozenset(normalise(wording, lexicon)) for group in wordings for wording in group]
    texts: list[str] = []
    for place, (kind, phrase) in enumerate(background):
        if _covered(normalise(phrase, lexicon), own):
            continue
        if kind == "far":
            texts.append(phrase)
        else:
            texts += (_PHRASINGS[(place * 3 + step) % len(_PHRASINGS)].format(phrase) for step in (0, 5))
    return texts


def _covered(phrase: str, own: Sequence[frozenset[str]]) -> bool:
    """Whether one wording uses every character of the phrase."""
    characters = set(phrase)
    return any(characters <= wording for wording in own)
