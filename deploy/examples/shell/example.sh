#!/usr/bin/env bash
# A program sold as a machine image: it works only where it is entitled to, and reports each unit of work, by the agent's
# command line. Exit codes: 0 done, 3 denied, 4 the agent's answer is not genuine, 5 no answer.
set -uo pipefail

# Yours: write these three into your program. What is read from the VM is chosen by the VM's owner.
: "${TALLYSTICK_ISSUER:?}" "${TALLYSTICK_ISSUER_KEYS:?}" "${TALLYSTICK_PRODUCT:?}"

# The agent's address and token file come from TALLYSTICK_AGENT_URL and TALLYSTICK_AGENT_TOKEN_FILE.
agent=${TALLYSTICK_AGENT_CLI:-tallystick-agent}
units=${EXAMPLE_UNITS:-0}
pause=$(awk "BEGIN { print ${EXAMPLE_PAUSE_MS:-10000} / 1000 }")

allowed=
ask_at=0
unsent=() # Reported, and not known to be kept. A real program bounds this, or keeps it on disk.

# Asks the agent, with a nonce, and verifies the answer; sets what may be done until the next time.
check() {
  local status=0
  "$agent" verify --product "$TALLYSTICK_PRODUCT" --wait "${1}s" \
    --issuer "$TALLYSTICK_ISSUER" --issuer-keys "$TALLYSTICK_ISSUER_KEYS" 2>&1 || status=$?
  allowed=
  case $status in
    0) allowed=yes ask_at=$((SECONDS + 3600)) ;;
    1) ask_at=$((SECONDS + 30)) refused=3 ;;
    3) ask_at=$((SECONDS + 30)) refused=4 ;;
    *) ask_at=$((SECONDS + 5)) refused=5 ;;
  esac
}

report() {
  local said status
  while ((${#unsent[@]} > 0)); do
    status=0
    said=$("$agent" meter --product "$TALLYSTICK_PRODUCT" --dimension requests --quantity 1 \
      --idempotency-key "${unsent[0]}" 2>&1) || status=$?
    said=${said#*: } # without "refused:"
    case $status in
      0) unsent=("${unsent[@]:1}") ;;
      2) # Not taken now, or not known: the same again, with the same key.
        echo "sent again later: $said"
        return
        ;;
      3) # Denied while running: show it, do no more work, ask soon.
        echo "stopped: $said"
        allowed='' ask_at=0
        return
        ;;
      *)
        echo "dropped, the program must be mended: $said"
        unsent=("${unsent[@]:1}")
        return
        ;;
    esac
  done
}

refused=5
check "${EXAMPLE_WAIT:-60}"
[[ -n $allowed ]] || exit "$refused"
done=0
while ((units == 0 || done < units || ${#unsent[@]} > 0)); do
  ((SECONDS < ask_at)) || check 0
  if [[ -n $allowed ]] && ((units == 0 || done < units)); then
    done=$((done + 1))
    echo "working: unit $done"
    # The key makes it safe to report the same again when no answer came.
    unsent+=("$(cat /proc/sys/kernel/random/uuid)")
  fi
  report
  sleep "$pause"
done
echo "done"
