package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import java.time.Instant;

/**
 * The agent's word to the vendor's software, the payload of a {@code nonce+jws}: whoever holds the key named in the
 * lease's {@code cnf.jkt} is here and now. A copied lease or a fake agent on the port cannot make one.
 *
 * @param nonce what the vendor's software chose
 * @param lease SHA-256 of the compact lease in ASCII
 * @param time the agent's trusted time; for people, the nonce is what proves freshness
 */
public record NonceProof(String nonce, Hash lease, Instant time) {
    public byte[] toBytes() {
        return Json.writeBytes(Json.object("nonce", nonce, "lease", lease, "time", time));
    }

    public static NonceProof parse(byte[] payload) {
        Fields f = Fields.parse(payload);
        NonceProof p = new NonceProof(
                f.string("nonce", Wire.NONCE_CHARS_MAX), f.parsed("lease", Hash::parse, Hash.NONE), f.instant("time"));
        f.done();
        return p;
    }
}
