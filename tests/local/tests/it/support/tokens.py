"""`tokens.py <issuer> <audience>`: an issuer's public keys, and what it signed, as JSON.

The Rust crates here sign with keys but make none; the emulator brings along what does.
"""

import base64
import json
import sys
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER, AUDIENCE = sys.argv[1:]
KEY_ID = "test-1"
HOUR = 3600


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def token(key, **claims):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "shop", "iat": now - 1, "exp": now + HOUR} | claims
    header = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
    signed = ".".join(text(json.dumps(part).encode()) for part in (header, claims))
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{text(signature)}"


key = new_key()
public = key.public_key().public_numbers()
jwk = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": number(public.n), "e": number(public.e)}
print(
    json.dumps(
        {
            "keys": {"keys": [jwk]},
            "good": token(key, scope="openid *"),
            "bound": token(key, scope="openid stripe/berlin"),
            "bad": {
                "for somebody else": token(key, aud="another-api"),
                "from somebody else": token(key, iss="https://issuer.example"),
                "out of date": token(key, exp=int(time.time()) - HOUR),
                "signed with another key": token(new_key()),
            },
        }
    )
)
