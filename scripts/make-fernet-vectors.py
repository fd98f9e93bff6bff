"""Writes tests/crypto/python-fernet-vectors.json: what Python's cryptography makes and takes.

    pip install cryptography
    python scripts/make-fernet-vectors.py > tests/crypto/python-fernet-vectors.json

Keys, times and IVs are fixed, so that every run writes the same. The keys encrypt nothing else.
"""

import base64
import hashlib
import json
from unittest.mock import patch

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

NOW = 1_760_000_000  # 2025-10-09T08:53:20Z


def key(name: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode()


def iv(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:16]


def token(name: str, plaintext: str, now: int = NOW) -> dict:
    made = Fernet(key(name))._encrypt_from_parts(plaintext.encode(), now, iv(name))
    assert Fernet(key(name)).decrypt(made) == plaintext.encode()
    return {
        "name": name,
        "key": key(name),
        "iv": iv(name).hex(),
        "now": now,
        "plaintext": plaintext,
        "token": made.decode(),
    }


def ring(name: str, first: str, second: str) -> dict:
    """A token of the second key, what the ring encrypts, and the token rotated to the first key later."""
    old = token(second, "a key that moves", now=NOW - 86_400)
    multi = MultiFernet([Fernet(key(first)), Fernet(key(second))])
    with patch("os.urandom", lambda size: iv(name)[:size]):
        encrypted = multi.encrypt_at_time(b"a key that is new", NOW)
        rotated = multi.rotate(old["token"])
    return {
        "name": name,
        "keys": [key(first), key(second)],
        "iv": iv(name).hex(),
        "now": NOW,
        "old": old,
        "encrypted": {"plaintext": "a key that is new", "token": encrypted.decode()},
        "rotated": rotated.decode(),
    }


def spelling(name: str, made: dict, written: str) -> dict:
    """Another way of writing a token, and whether Python opens it."""
    try:
        Fernet(made["key"]).decrypt(written)
        opens = True
    except InvalidToken:
        opens = False
    return {"name": name, "key": made["key"], "token": written, "opens": opens}


def spellings() -> list:
    made = token("spelling", "sk-stand-in-for-a-key-of-fifty-one-characters-01234")
    text = made["token"]
    last = text.rstrip("=")[-1]
    return [
        spelling("as made", made, text),
        spelling("with a newline at its end", made, text + "\n"),
        spelling("with white space around it", made, " \t" + text + "\r\n"),
        spelling("wrapped at 76 columns", made, base64.encodebytes(base64.urlsafe_b64decode(text)).decode()),
        spelling("in the standard alphabet", made, text.replace("-", "+").replace("_", "/")),
        spelling("without its padding", made, text.rstrip("=")),
        spelling("with half its padding", made, text[:-1]),
        spelling("cut short", made, text[:-4]),
        spelling("empty", made, ""),
        spelling("of one byte", made, "gA=="),
        spelling("of another version", made, "gQ" + text[2:]),
        spelling("as Python prints bytes", made, f"b'{text}'"),
        spelling("with a character that is not base64", made, text[:20] + "!" + text[20:]),
        spelling("with text after the padding", made, text + "more"),
        spelling("with stray bits in its last character", made, text.replace(last + "==", chr(ord(last) + 1) + "==")),
    ]


print(
    json.dumps(
        {
            "tokens": [
                token("an API key of 51 characters", "sk-" + "0123456789abcdef" * 3),
                token("empty", ""),
                token("one character", "x"),
                token("one block less one", "x" * 15),
                token("one block", "x" * 16),
                token("one block and one", "x" * 17),
                token("characters of two, three and four bytes", "clé Schlüssel 鍵 🔑 \u0000 \ufeff\u2028"),
                token("a byte order mark first", "\ufeffkey"),
                token("long", "0123456789" * 300),
                token("the first second of 1970", "epoch", now=0),
                token("after 2106, beyond 32 bits", "far", now=2**32 + 1),
            ],
            "lastSecond": token("the last second there is", "last", now=2**64 - 1),
            "notText": {
                "key": key("not text"),
                "token": Fernet(key("not text"))._encrypt_from_parts(b"\xff\xfe", NOW, iv("not text")).decode(),
            },
            "rings": [ring("two keys", "new ring key", "old ring key")],
            "spellings": spellings(),
        },
        indent=2,
    )
)
