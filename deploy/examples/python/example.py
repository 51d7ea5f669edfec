#!/usr/bin/env python3
"""A program sold as a machine image: it works only where it is entitled to, and reports each unit of work.

Exit codes: 0 done, 3 denied, 4 the agent's answer is not genuine, 5 no answer.
"""

import os
import sys
import time
import uuid
from collections import deque

from tallystick import Agent, NotTrusted, Refused, Unreachable

# Yours: write these into your program. What is read from the VM is chosen by the VM's owner.
ISSUER = os.environ["TALLYSTICK_ISSUER"]
with open(os.environ["TALLYSTICK_ISSUER_KEYS"], encoding="utf-8") as f:
    KEYS = f.read()
PRODUCT = os.environ["TALLYSTICK_PRODUCT"]

UNITS = int(os.environ.get("EXAMPLE_UNITS", "0"))
PAUSE = int(os.environ.get("EXAMPLE_PAUSE_MS", "10000")) / 1000
WAIT = int(os.environ.get("EXAMPLE_WAIT", "60"))

agent = Agent(issuer=ISSUER, keys=KEYS, product=PRODUCT)
allowed = False
ask_at = lease_ends = 0.0
unsent = deque()  # Reported, and not known to be kept. A real program bounds this, or keeps it on disk.


def say(line):
    print(line, flush=True)


def check(wait=0):
    """Asks the agent, with a nonce, and verifies the answer; sets what may be done until the next time."""
    global allowed, ask_at, lease_ends
    try:
        e = agent.check(wait)
    except NotTrusted as problem:
        allowed, ask_at = False, time.monotonic() + 30
        say(f"not entitled: {problem}")
        return 4
    except (Refused, Unreachable) as problem:
        # The agent may just be restarting. What the last lease allowed stays allowed until it ends.
        allowed = allowed and time.monotonic() < lease_ends
        ask_at = time.monotonic() + 5
        say(str(problem))
        return 5
    allowed = e["decision"] == "allow"
    ask_at = time.monotonic() + e["retryAfter"]
    if allowed:
        lease_ends = time.monotonic() + e["leaseSeconds"]
        if e["claims"].get("notice"):
            say("notice: " + e["claims"]["notice"])
    parts = [e["decision"].upper(), f"({e['state']})", e.get("code"), e.get("sentence"), e.get("remedy"), e.get("thumbprint")]
    say(" ".join(part for part in parts if part))
    return 3 if e["decision"] == "deny" else 5


def report():
    global allowed, ask_at
    while unsent:
        try:
            agent.report("requests", 1, key=unsent[0])
            unsent.popleft()
        except Unreachable as problem:
            say(f"sent again later: {problem}")
            return
        except Refused as problem:
            if problem.action == "retry":
                say(f"sent again later: {problem}")
            elif problem.action == "tell-owner":
                # Denied while running, or the disk is full: show it, do no more work, ask soon.
                say(f"stopped: {problem} {problem.remedy}")
                allowed, ask_at = False, 0.0
            elif problem.action == "mend-setup":
                say(f"the installation must be mended: {problem}")
            else:
                say(f"dropped, the program must be mended: {problem}")
                unsent.popleft()
            return


def main():
    refused = check(WAIT)
    if not allowed:
        return refused
    done = 0
    while UNITS == 0 or done < UNITS or unsent:
        if time.monotonic() >= ask_at:
            check()
        if allowed and (UNITS == 0 or done < UNITS):
            done += 1
            say(f"working: unit {done}")
            # The key makes it safe to report the same again when no answer came.
            unsent.append(str(uuid.uuid4()))
        report()
        time.sleep(PAUSE)
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
