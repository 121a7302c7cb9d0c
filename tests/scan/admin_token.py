"""Logs a demo's administrator in, with an authenticator app of its own, and prints the access token.

Only the standard library: the codes are computed here once more (RFC 6238), so that the product's own arithmetic is
not what tries itself.
"""

import base64
import hmac
import json
import struct
import sys
import time
import urllib.request

STEP_SECONDS = 30


def code(secret: str, step: int) -> str:
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 0xF
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def step() -> int:
    return int(time.time()) // STEP_SECONDS


def main() -> None:
    ready = json.load(open(sys.argv[1], encoding="utf-8"))
    base, admin = ready["base_url"].rstrip("/"), ready["admin"]

    def post(path: str, body: dict, token: str | None = None) -> dict:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(base + path, json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    login = {"email": admin["email"], "password": admin["password"]}
    token = post("/api/auth/login", login)["access_token"]
    secret = post("/api/auth/totp/enroll", {"password": admin["password"]}, token)["secret"].replace(" ", "")
    used = step()
    post("/api/auth/totp/confirm", {"code": code(secret, used)}, token)
    asked = post("/api/auth/login", login)
    # A code works once: the next login waits for the next one.
    while step() == used:
        time.sleep(1)
    answer = {"mfa_token": asked["mfa_token"], "method": "totp", "code": code(secret, step())}
    print(post("/api/auth/mfa/verify", answer)["access_token"])


if __name__ == "__main__":
    main()
