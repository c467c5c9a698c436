"""The shared classifier as a Rasa intent classifier (Rasa 3.6, Python 3.10)."""
# Rasa lives in an environment of its own; the one that checks types does not have it.
# mypy: disable-error-code="import-not-found,misc"

from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.classifier import Classifier, Example
from bot.nlu.wire import to_parse

MODEL_FILE = "classifier.npz"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CharTfidfSvcClassifier(IntentClassifier, GraphComponent):
    """Character n-grams, a linear SVC and vocabulary coverage; needs no tokenizer and no featurizer.

    It also fills ``response_selector`` for ``faq/<key>`` labels, so that the stock action ``utter_faq``
    answers without a ResponseSelector.
    """

    def __init__(self, model_storage: ModelStorage, resource: Resource, classifier: Classifier | None = None) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self._classifier = classifier

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "CharTfidfSvcClassifier":
        """A component that has learned nothing yet."""
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "CharTfidfSvcClassifier":
        """The component as `train` left it."""
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, Classifier.load(Path(folder) / MODEL_FILE))

    # Rasa wires the graph by the parameter's name: it must be training_data.
    def train(self, training_data: TrainingData) -> Resource:
        """Learn from every example that carries an intent."""
        self._classifier = Classifier.fit(
            Example(message.get(TEXT), message.get_full_intent()) for message in training_data.intent_examples
        )
        with self._model_storage.write_to(self._resource) as folder:
            self._classifier.save(Path(folder) / MODEL_FILE)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set intent, ranking and response selection on each message that has a text."""
        if self._classifier is None:
            return messages
        for message in messages:
            text = message.get(TEXT)
            if text is not None:
                for name, value in to_parse(self._classifier.predict(text)).items():
                    message.set(name, value, add_to_output=True)
        return messages
