"""WeChat's signature and message encryption, written from the published description and not from any library.

AES-256-CBC, key = base64(EncodingAESKey + "="), IV = key[:16], plaintext = 16 random bytes, length, XML, appid,
padded to blocks of 32 (developers.weixin.qq.com, Message_Encryption).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

_BLOCK = 32


class CannotDecrypt(ValueError):
    """加密的回复无法解密或不属于该公众号。"""


def signature(*parts: str) -> str:
    """sha1 over the sorted parts: token, timestamp, nonce and, for encrypted messages, the ciphertext."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the protocol's own choice


def encrypt(aes_key: str, appid: str, text: str) -> str:
    """The Base64 ciphertext of `text`."""
    key = _key(aes_key)
    content = text.encode()
    plain = secrets.token_bytes(16) + len(content).to_bytes(4, "big") + content + appid.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()


def decrypt(aes_key: str, appid: str, ciphertext: str) -> str:
    """The XML inside `ciphertext`; CannotDecrypt when anything about it is wrong."""
    key = _key(aes_key)
    try:
        decryptor = Cipher(AES(key), CBC(key[:16])).decryptor()
        padded = decryptor.update(base64.b64decode(ciphertext, validate=True)) + decryptor.finalize()
        padding = padded[-1]
        if not 1 <= padding <= _BLOCK:
            raise CannotDecrypt
        plain = padded[16:-padding]
        length = int.from_bytes(plain[:4], "big")
        content, owner = plain[4 : 4 + length], plain[4 + length :]
        if owner.decode() != appid:
            raise CannotDecrypt
        return content.decode()
    except (binascii.Error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise CannotDecrypt from error


def _key(aes_key: str) -> bytes:
    return base64.b64decode(aes_key + "=")
