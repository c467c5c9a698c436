"""One classifier fitted on the demo office for all tests that only ask."""

import pytest

from bot.nlu.classifier import Classifier
from tests.bot.nlu.questions import demo_answers, demo_examples


@pytest.fixture(scope="session")
def demo_classifier() -> Classifier:
    return Classifier.fit([*demo_examples(), *demo_answers()])
