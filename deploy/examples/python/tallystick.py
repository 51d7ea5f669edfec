"""The local API of tallystick-agent, with Python's standard library only (3.9 or newer).

    agent = Agent(issuer=URL, keys=JWKS, product=CODE)
    answer = agent.check(wait=30)          # verified; raises NotTrusted for a forged "allow"
    agent.report("requests", "12", key=some_id)
"""

import base64
import hashlib
import json
import os
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone

ANSWER_BYTES_MAX = 4 * 1024 * 1024

# What to do about a refused report, by reason code; a code that is not listed goes by the HTTP status.
RETRY = {"unknown", "rate-limited", "overloaded", "unavailable", "internal"}
MEND_SETUP = {"unauthenticated", "forbidden", "not-found", "unknown-product"}
MEND_CALL = {
    "invalid-request", "invalid-json", "too-large", "unsupported-media-type", "not-acceptable", "method-not-allowed",
    "idempotency-conflict", "unknown-dimension", "out-of-range", "too-late", "slot-taken", "kind-taken",
}


class Unreachable(Exception):
    """No answer of an agent. Whether usage was kept is not known: send it again with the same key."""


class NotTrusted(Exception):
    """The answer allows and does not prove it: a copied lease, or another program on the agent's port."""


class Refused(Exception):
    """The agent said no, and kept nothing. `action` is retry, tell-owner, mend-setup or mend-call."""

    def __init__(self, status, members):
        self.status = status
        self.code = members.get("reason") or members["code"]
        self.remedy = members.get("remedy") or ""
        self.errors = members.get("errors") or []
        super().__init__(f"{self.code}: {members.get('detail', '')}")

    @property
    def action(self):
        if self.code in RETRY or self.status in (429, 500):
            return "retry"
        if self.code in MEND_SETUP:
            return "mend-setup"
        if self.code in MEND_CALL:
            return "mend-call"
        return "tell-owner"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


class Agent:
    """`keys` is the content of the marketplace's /.well-known/jwks.json, kept with your program."""

    def __init__(self, issuer=None, keys=None, product=None, url=None, token_file=None):
        self.issuer = issuer
        self.keys = {}
        for key in json.loads(keys)["keys"] if keys else []:
            if key.get("kty") == "OKP" and key.get("crv") == "Ed25519":
                self.keys[key["kid"]] = _decode(key["x"])
        self.product = product
        self.url = (url or os.environ.get("TALLYSTICK_AGENT_URL") or "http://127.0.0.1:8793").rstrip("/")
        self.token_file = token_file or os.environ.get("TALLYSTICK_AGENT_TOKEN_FILE")
        # No proxy stands between two programs of one VM.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect()).open

    def check(self, wait=0):
        """The answer as a dict; `decision` is allow, deny or unknown. Waits for an agent that is still starting."""
        end = time.monotonic() + wait
        while True:
            left = max(0, end - time.monotonic())
            pause = 1
            try:
                answer = self._ask(min(60, int(left)))
                left = max(0, end - time.monotonic())
                if answer["decision"] != "unknown" or left == 0:
                    return answer
                pause = answer["retryAfter"]
            except Unreachable:
                left = max(0, end - time.monotonic())
                if left == 0:
                    raise
            time.sleep(min(left, pause))

    def _ask(self, wait):
        nonce = secrets.token_urlsafe(16)
        query = {"nonce": nonce}
        if self.product:
            query["product"] = self.product
        if wait:
            query["wait"] = f"{wait}s"
        answer = self._call("GET", "/v1/entitlement?" + urllib.parse.urlencode(query), None, 30 + wait)
        if answer.get("decision") not in ("allow", "deny", "unknown"):
            raise Unreachable(f"what answers at {self.url} is no agent")
        answer.setdefault("retryAfter", 30)
        if answer["decision"] == "allow":
            answer["claims"], left = self._verify(answer.get("lease"), answer.get("nonceProof"), nonce)
            answer["leaseSeconds"] = left
            answer["retryAfter"] = max(1, left / 2)
        return answer

    def _verify(self, lease, proof, nonce):
        if not isinstance(lease, str) or not isinstance(proof, str):
            raise NotTrusted("the answer allows without a lease and a signed nonce")
        try:
            header, claims, signed, signature = _parse(lease, "lease+jwt")
            key = self.keys.get(header["kid"])
            if key is None:
                raise NotTrusted("the lease is signed by a key that is not known here")
            if not ed25519_verify(key, signed, signature):
                raise NotTrusted("the lease's signature does not verify")
            if claims["iss"] != self.issuer:
                raise NotTrusted("the lease is of another issuer")
            if self.product and claims["aud"] != self.product:
                raise NotTrusted("the lease is for another product")
            header, said, signed, signature = _parse(proof, "nonce+jws")
            x = header["jwk"]["x"]
            canonical = '{"crv":"Ed25519","kty":"OKP","x":"%s"}' % x
            if _encode(hashlib.sha256(canonical.encode()).digest()) != claims["cnf"]["jkt"]:
                raise NotTrusted("the lease was given to another agent's key")
            if not ed25519_verify(_decode(x), signed, signature):
                raise NotTrusted("the proof's signature does not verify")
            if said["nonce"] != nonce:
                raise NotTrusted("the proof is for another nonce")
            if said["lease"] != _encode(hashlib.sha256(lease.encode()).digest()):
                raise NotTrusted("the proof is for another lease")
            # The agent's time comes from the aggregator; the VM's own clock may be wrong.
            now = datetime.strptime(said["time"][:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
            if not claims["nbf"] <= now < claims["exp"] + 5:
                raise NotTrusted("the lease has ended, or has not begun")
            return claims, claims["exp"] - now
        except (KeyError, TypeError, ValueError) as e:
            raise NotTrusted(f"the answer is malformed: {e!r}") from e

    def report(self, dimension, quantity, key=None, **more):
        """Returns once it is on the agent's disk. `more`: timestamp, allocations, product."""
        record = {"dimension": dimension, "quantity": str(quantity), **more}
        if key:
            record["idempotencyKey"] = key
        if self.product:
            record.setdefault("product", self.product)
        return self.report_all([record])

    def report_all(self, records):
        """Up to 1,000 records, all or none."""
        return self._call("POST", "/v1/usage", json.dumps(records).encode(), 30)

    def status(self):
        return self._call("GET", "/v1/status", None, 30)

    def _call(self, method, path, body, timeout):
        request = urllib.request.Request(self.url + path, data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            if self.token_file:
                with open(self.token_file, encoding="ascii") as f:
                    request.add_header("Authorization", "Bearer " + f.read().strip())
            try:
                with self._open(request, timeout=timeout) as r:
                    status, raw = r.status, r.read(ANSWER_BYTES_MAX + 1)
            except urllib.error.HTTPError as e:
                with e:
                    status, raw = e.code, e.read(ANSWER_BYTES_MAX + 1)
        except OSError as e:
            raise Unreachable(f"the agent at {self.url} cannot be reached: {e}") from e
        try:
            if len(raw) > ANSWER_BYTES_MAX:
                raise ValueError("the answer is too long")
            members = json.loads(raw)
            if not isinstance(members, dict) or (status // 100 != 2 and not isinstance(members.get("code"), str)):
                raise ValueError("not an agent's answer")
        except ValueError as e:
            raise Unreachable(f"what answers at {self.url} is no agent: HTTP {status}, {e}") from e
        if status // 100 != 2:
            raise Refused(status, members)
        return members


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text):
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encode(data) != text:
        raise ValueError("not canonical base64url")
    return data


def _parse(compact, typ):
    protected, payload, signature = compact.split(".")
    header = json.loads(_decode(protected))
    if header.get("alg") != "EdDSA" or header.get("typ") != typ or "crit" in header:
        raise ValueError("not a " + typ)
    return header, json.loads(_decode(payload)), f"{protected}.{payload}".encode(), _decode(signature)


# Ed25519 (RFC 8032 section 5.1.7), which the standard library does not have. Verification only: nothing secret is
# touched, so that its time may depend on its input. A few milliseconds. With the package `cryptography` use that.
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)


def _add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    g, h = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    w, x, y, z = f - e, h - g, h + g, f + e
    return (w * x % _P, y * z % _P, x * y % _P, w * z % _P)


def _times(n, point):
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = _add(result, point)
        point = _add(point, point)
        n >>= 1
    return result


def _point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return (x, y, 1, x * y % _P)


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def ed25519_verify(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r = _point(key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= _L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _L
    left, right = _times(s, _BASE), _add(r, _times(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0
