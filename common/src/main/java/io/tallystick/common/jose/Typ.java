package io.tallystick.common.jose;

import java.util.Arrays;
import java.util.Optional;

/** What a JWS is for. Each is accepted only in its place, and each has exactly the header members named here. */
public enum Typ {
    /** An agent's first words, and its words at each start: carries its own key. */
    ENROLL("enroll+jws", Signatory.OWN_KEY),
    LEASE_REQUEST("lease-request+jws", Signatory.ENROLLMENT),
    /** May be weeks old, so its {@code iat} is not compared with the clock. */
    BATCH("batch+jws", Signatory.ENROLLMENT),
    /** Asks for the stored batches the agent does not know, after its state went back. */
    RESUME("resume+jws", Signatory.ENROLLMENT),
    /** Asks for the word of the aggregator that a copy of a product runs where it may (AWS's RegisterUsage). */
    REGISTRATION("registration+jws", Signatory.ENROLLMENT),
    /** The aggregator's answer to the requests above, batches apart. */
    ANSWER("answer+jws", Signatory.ISSUER),
    RECEIPT("receipt+jws", Signatory.ISSUER),
    LEASE("lease+jwt", Signatory.ISSUER),
    /** The agent's word to the vendor's software on the same VM: nonce and lease hash. */
    NONCE("nonce+jws", Signatory.LOCAL);

    /** Who signs, which decides the header: {@code url}, {@code iat} and {@code jwk} or {@code kid}. */
    public enum Signatory {
        /** {@code alg, typ, url, jwk, iat}. */
        OWN_KEY,
        /** {@code alg, typ, url, kid, iat}; {@code kid} is the enrollment id. */
        ENROLLMENT,
        /** {@code alg, typ, kid}; {@code kid} names one of the aggregator's keys. */
        ISSUER,
        /** {@code alg, typ, jwk}; the reader compares the key with {@code cnf.jkt} of the lease. */
        LOCAL
    }

    private final String wire;
    private final Signatory signatory;

    Typ(String wire, Signatory signatory) {
        this.wire = wire;
        this.signatory = signatory;
    }

    public String wire() {
        return wire;
    }

    public Signatory signatory() {
        return signatory;
    }

    static Optional<Typ> ofWire(String wire) {
        return Arrays.stream(values()).filter(t -> t.wire.equals(wire)).findFirst();
    }
}
