#!/usr/bin/env node
// A program sold as a machine image: it works only where it is entitled to, and reports each unit of work.
// Exit codes: 0 done, 3 denied, 4 the agent's answer is not genuine, 5 no answer.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, NotTrusted, Refused, Unreachable } from "./tallystick.mjs";

const env = process.env;
// Yours: write these into your program. What is read from the VM is chosen by the VM's owner.
const agent = new Agent({
  issuer: env.TALLYSTICK_ISSUER,
  keys: readFileSync(env.TALLYSTICK_ISSUER_KEYS, "utf8"),
  product: env.TALLYSTICK_PRODUCT,
});

const UNITS = Number(env.EXAMPLE_UNITS ?? 0);
const PAUSE = Number(env.EXAMPLE_PAUSE_MS ?? 10000);
const WAIT = Number(env.EXAMPLE_WAIT ?? 60);

let allowed = false;
let askAt = 0;
let leaseEnds = 0;
const unsent = []; // Reported, and not known to be kept. A real program bounds this, or keeps it on disk.
const now = () => performance.now() / 1000;
const say = (line) => console.log(line);

/** Asks the agent, with a nonce, and verifies the answer; sets what may be done until the next time. */
async function check(wait = 0) {
  try {
    const e = await agent.check(wait);
    allowed = e.decision === "allow";
    askAt = now() + e.retryAfter;
    if (allowed) {
      leaseEnds = now() + e.leaseSeconds;
      if (e.claims.notice) say(`notice: ${e.claims.notice}`);
    }
    const parts = [e.decision.toUpperCase(), `(${e.state})`, e.code, e.sentence, e.remedy, e.thumbprint];
    say(parts.filter(Boolean).join(" "));
    return e.decision === "deny" ? 3 : 5;
  } catch (e) {
    if (e instanceof NotTrusted) {
      allowed = false;
      askAt = now() + 30;
      say(`not entitled: ${e.message}`);
      return 4;
    }
    if (!(e instanceof Refused || e instanceof Unreachable)) throw e;
    // The agent may just be restarting. What the last lease allowed stays allowed until it ends.
    allowed &&= now() < leaseEnds;
    askAt = now() + 5;
    say(e.message);
    return 5;
  }
}

async function report() {
  while (unsent.length > 0) {
    try {
      await agent.report("requests", 1, { key: unsent[0] });
      unsent.shift();
    } catch (e) {
      if (e instanceof Unreachable || e.action === "retry") {
        say(`sent again later: ${e.message}`);
      } else if (e.action === "tell-owner") {
        // Denied while running, or the disk is full: show it, do no more work, ask soon.
        say(`stopped: ${e.message} ${e.remedy}`);
        allowed = false;
        askAt = 0;
      } else if (e.action === "mend-setup") {
        say(`the installation must be mended: ${e.message}`);
      } else if (e.action === "mend-call") {
        say(`dropped, the program must be mended: ${e.message}`);
        unsent.shift();
      } else {
        throw e;
      }
      return;
    }
  }
}

async function main() {
  const refused = await check(WAIT);
  if (!allowed) return refused;
  let done = 0;
  while (UNITS === 0 || done < UNITS || unsent.length > 0) {
    if (now() >= askAt) await check();
    if (allowed && (UNITS === 0 || done < UNITS)) {
      done += 1;
      say(`working: unit ${done}`);
      // The key makes it safe to report the same again when no answer came.
      unsent.push(randomUUID());
    }
    await report();
    await sleep(PAUSE);
  }
  say("done");
  return 0;
}

process.exitCode = await main();
