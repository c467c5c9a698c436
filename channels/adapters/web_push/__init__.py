"""The adapter for browsers that asked for notices: the channel, its encryption, its signature, and the fan-out."""

from channels.adapters.web_push.channel import WebPushChannel, topic_of
from channels.adapters.web_push.encryption import PLAINTEXT, encrypt
from channels.adapters.web_push.signing import Signer, new_key, public_of

__all__ = ["PLAINTEXT", "Signer", "WebPushChannel", "encrypt", "new_key", "public_of", "topic_of"]
