package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;

/**
 * Asks for fresh leases; the payload of a {@code lease-request+jws}.
 *
 * @param counter above every counter this enrollment used before, so that a recorded request cannot be replayed; the
 *     answer names the last one used where it is refused
 * @param state the agent's state, for the operator's eyes
 */
public record LeaseRequest(long counter, String state, String agentVersion) {
    public byte[] toBytes() {
        return Json.writeBytes(Json.object("counter", counter, "state", state, "agentVersion", agentVersion));
    }

    public static LeaseRequest parse(byte[] payload) {
        Fields f = Fields.parse(payload);
        LeaseRequest r = new LeaseRequest(
                f.number("counter", 1, Long.MAX_VALUE), f.string("state", 32), f.string("agentVersion", 64));
        f.done();
        return r;
    }
}
