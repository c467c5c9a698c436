"""A ranking as Rasa's parse result, and back: so that both engines decide on the same numbers."""

from collections.abc import Mapping
from typing import Any

from bot.nlu.ranking import OUT_OF_SCOPE, Guess, Ranking

FAQ = "faq"
"""The retrieval intent under which every question of the CMS stands, as ``faq/<key>``."""

FALLBACK = "nlu_fallback"

_SELECTOR = "response_selector"


def faq_label(key: str) -> str:
    """The classifier's label for a question of the CMS."""
    return f"{FAQ}/{key}"


def faq_key(label: str) -> str | None:
    """The CMS key behind a label, None for a label that is no question of the CMS."""
    intent, slash, key = label.partition("/")
    return key if slash and intent == FAQ else None


def to_parse(ranking: Ranking) -> dict[str, Any]:
    """The ``intent``, ``intent_ranking`` and ``response_selector`` that Rasa's components expect of a classifier.

    The base intent carries the question's own confidence, so that Rasa's FallbackClassifier sees a doubtful
    question (RasaHQ/rasa issue 9751). What belongs elsewhere is the intent ``out_of_scope``.
    """
    intents = [_intent(guess.key.partition("/")[0], guess.confidence) for guess in ranking.guesses]
    if ranking.foreign:
        intents.insert(0, _intent(OUT_OF_SCOPE, 1 - ranking.confidence))
    parse: dict[str, Any] = {"intent": intents[0], "intent_ranking": intents}
    questions = [guess for guess in ranking.guesses if faq_key(guess.key)]
    if questions:
        best = _response(questions[0])
        best |= {"responses": [], "utter_action": f"utter_{questions[0].key}"}
        selected = {"response": best, "ranking": [_response(guess) for guess in questions]}
        parse[_SELECTOR] = {"all_retrieval_intents": [FAQ], FAQ: selected}
    return parse


def from_parse(parse: Mapping[str, Any]) -> Ranking:
    """The ranking in an answer of Rasa's ``/model/parse``, from this classifier or from a stock pipeline.

    A stock pipeline ranks the questions apart from their base intent; a question is then no surer than either.
    """
    selected = parse.get(_SELECTOR, {}).get(FAQ, {}).get("ranking", [])
    questions = [Guess(entry["intent_response_key"], entry["confidence"]) for entry in selected]
    ranked = [entry for entry in parse.get("intent_ranking", []) if entry["name"] != FALLBACK]
    guesses: list[Guess] = []
    base = 0.0
    for entry in ranked:
        if entry["name"] == FAQ:
            base = max(base, entry["confidence"])
            guesses += [Guess(question.key, min(base, question.confidence)) for question in questions[:1]]
            del questions[:1]
        elif entry["name"] != OUT_OF_SCOPE:
            guesses.append(Guess(entry["name"], entry["confidence"]))
    guesses += [Guess(question.key, min(base, question.confidence)) for question in questions]
    guesses.sort(key=lambda guess: -guess.confidence)
    return Ranking(tuple(guesses), foreign=not guesses or ranked[0]["name"] == OUT_OF_SCOPE)


def _intent(name: str, confidence: float) -> dict[str, Any]:
    return {"name": name, "confidence": confidence}


def _response(guess: Guess) -> dict[str, Any]:
    return {"confidence": guess.confidence, "intent_response_key": guess.key}
