// The local API of tallystick-agent, with Node's own modules only (18 or newer).
//
//   const agent = new Agent({ issuer: URL, keys: JWKS, product: CODE });
//   const answer = await agent.check(30);             // verified; throws NotTrusted for a forged "allow"
//   await agent.report("requests", "12", { key: someId });

import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

// What to do about a refused report, by reason code; a code that is not listed goes by the HTTP status.
const RETRY = new Set(["unknown", "rate-limited", "overloaded", "unavailable", "internal"]);
const MEND_SETUP = new Set(["unauthenticated", "forbidden", "not-found", "unknown-product"]);
const MEND_CALL = new Set([
  "invalid-request", "invalid-json", "too-large", "unsupported-media-type", "not-acceptable", "method-not-allowed",
  "idempotency-conflict", "unknown-dimension", "out-of-range", "too-late", "slot-taken", "kind-taken",
]);

/** No answer of an agent. Whether usage was kept is not known: send it again with the same key. */
export class Unreachable extends Error {}

/** The answer allows and does not prove it: a copied lease, or another program on the agent's port. */
export class NotTrusted extends Error {}

/** The agent said no, and kept nothing. `action` is retry, tell-owner, mend-setup or mend-call. */
export class Refused extends Error {
  constructor(status, members) {
    const code = members.reason ?? members.code;
    super(`${code}: ${members.detail ?? ""}`);
    this.status = status;
    this.code = code;
    this.remedy = members.remedy ?? "";
    this.errors = members.errors ?? [];
  }

  get action() {
    if (RETRY.has(this.code) || this.status === 429 || this.status === 500) return "retry";
    if (MEND_SETUP.has(this.code)) return "mend-setup";
    if (MEND_CALL.has(this.code)) return "mend-call";
    return "tell-owner";
  }
}

export class Agent {
  /** `keys` is the content of the marketplace's /.well-known/jwks.json, kept with your program. */
  constructor({ issuer, keys, product, url, tokenFile } = {}) {
    this.issuer = issuer;
    this.keys = new Map();
    for (const key of keys ? JSON.parse(keys).keys : []) {
      if (key.kty === "OKP" && key.crv === "Ed25519") this.keys.set(key.kid, publicKey(key.x));
    }
    this.product = product;
    this.url = (url || process.env.TALLYSTICK_AGENT_URL || "http://127.0.0.1:8793").replace(/\/$/, "");
    this.tokenFile = tokenFile || process.env.TALLYSTICK_AGENT_TOKEN_FILE;
  }

  /** The answer; `decision` is allow, deny or unknown. Waits for an agent that is still starting. */
  async check(waitSeconds = 0) {
    const end = performance.now() + waitSeconds * 1000;
    const left = () => Math.max(0, end - performance.now());
    for (;;) {
      let pause = 1000;
      try {
        const answer = await this.#ask(Math.min(60, Math.floor(left() / 1000)));
        if (answer.decision !== "unknown" || left() === 0) return answer;
        pause = answer.retryAfter * 1000;
      } catch (e) {
        if (!(e instanceof Unreachable) || left() === 0) throw e;
      }
      await sleep(Math.min(left(), pause));
    }
  }

  async #ask(wait) {
    const nonce = randomBytes(16).toString("base64url");
    const query = new URLSearchParams({ nonce });
    if (this.product) query.set("product", this.product);
    if (wait) query.set("wait", `${wait}s`);
    const answer = await this.#call("GET", `/v1/entitlement?${query}`, undefined, 30 + wait);
    if (!["allow", "deny", "unknown"].includes(answer.decision)) {
      throw new Unreachable(`what answers at ${this.url} is no agent`);
    }
    answer.retryAfter ??= 30;
    if (answer.decision === "allow") {
      [answer.claims, answer.leaseSeconds] = this.#verified(answer.lease, answer.nonceProof, nonce);
      answer.retryAfter = Math.max(1, answer.leaseSeconds / 2);
    }
    return answer;
  }

  #verified(lease, proof, nonce) {
    try {
      return this.#verify(lease, proof, nonce);
    } catch (e) {
      throw e instanceof NotTrusted ? e : new NotTrusted(`the answer is malformed: ${e.message}`);
    }
  }

  #verify(lease, proof, nonce) {
    const must = (holds, problem) => {
      if (!holds) throw new NotTrusted(problem);
    };
    must(typeof lease === "string" && typeof proof === "string", "the answer allows without a lease and a signed nonce");
    const jwt = parse(lease, "lease+jwt");
    const key = this.keys.get(jwt.header.kid);
    must(key, "the lease is signed by a key that is not known here");
    must(verify(null, jwt.signed, key, jwt.signature), "the lease's signature does not verify");
    const claims = jwt.payload;
    must(claims.iss === this.issuer, "the lease is of another issuer");
    must(!this.product || claims.aud === this.product, "the lease is for another product");
    const jws = parse(proof, "nonce+jws");
    const { x } = jws.header.jwk;
    must(
      sha256(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`) === claims.cnf.jkt,
      "the lease was given to another agent's key",
    );
    must(verify(null, jws.signed, publicKey(x), jws.signature), "the proof's signature does not verify");
    must(jws.payload.nonce === nonce, "the proof is for another nonce");
    must(jws.payload.lease === sha256(lease), "the proof is for another lease");
    // The agent's time comes from the aggregator; the VM's own clock may be wrong.
    const now = Date.parse(jws.payload.time) / 1000;
    must(claims.nbf <= now && now < claims.exp + 5, "the lease has ended, or has not begun");
    return [claims, claims.exp - now];
  }

  /** Resolves once it is on the agent's disk. `more`: key (idempotency), timestamp, allocations, product. */
  report(dimension, quantity, { key, ...more } = {}) {
    const record = { dimension, quantity: String(quantity), ...more };
    if (key) record.idempotencyKey = key;
    if (this.product) record.product ??= this.product;
    return this.reportAll([record]);
  }

  /** Up to 1,000 records, all or none. */
  reportAll(records) {
    return this.#call("POST", "/v1/usage", JSON.stringify(records), 30);
  }

  status() {
    return this.#call("GET", "/v1/status", undefined, 30);
  }

  async #call(method, path, body, timeoutSeconds) {
    let status;
    let text;
    try {
      const headers = body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
      if (this.tokenFile) headers.Authorization = `Bearer ${(await readFile(this.tokenFile, "ascii")).trim()}`;
      // Not fetch: its Sec-Fetch-Mode header is what the agent refuses web pages by.
      [status, text] = await exchange(this.url + path, { method, headers, timeoutSeconds }, body);
    } catch (e) {
      throw new Unreachable(`the agent at ${this.url} cannot be reached: ${e.message}`);
    }
    let members;
    try {
      members = JSON.parse(text);
    } catch {
      members = null;
    }
    const ok = status >= 200 && status < 300;
    if (members === null || typeof members !== "object" || (!ok && typeof members.code !== "string")) {
      throw new Unreachable(`what answers at ${this.url} is no agent: HTTP ${status}`);
    }
    if (!ok) throw new Refused(status, members);
    return members;
  }
}

function exchange(url, { method, headers, timeoutSeconds }, body) {
  return new Promise((resolve, reject) => {
    // The signal bounds the whole exchange; no proxy and no redirect stands between two programs of one VM.
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    const request = http.request(url, { method, headers, signal, agent: false }, (response) => {
      const parts = [];
      let bytes = 0;
      response.on("data", (part) => {
        bytes += part.length;
        if (bytes > ANSWER_BYTES_MAX) request.destroy(new Error("the answer is too long"));
        else parts.push(part);
      });
      response.on("end", () => resolve([response.statusCode, Buffer.concat(parts).toString("utf8")]));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

function publicKey(x) {
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

function sha256(text) {
  return createHash("sha256").update(text).digest("base64url");
}

function decode(text) {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) throw new Error("not canonical base64url");
  return bytes;
}

function parse(compact, typ) {
  const parts = compact.split(".");
  if (parts.length !== 3) throw new Error(`the ${typ} does not have three parts`);
  const [header, payload] = parts.slice(0, 2).map((part) => JSON.parse(decode(part).toString("utf8")));
  if (header.alg !== "EdDSA" || header.typ !== typ || "crit" in header) throw new Error(`not a ${typ}`);
  return { header, payload, signed: Buffer.from(`${parts[0]}.${parts[1]}`), signature: decode(parts[2]) };
}
