package io.tallystick.aggregator.signing;

import io.tallystick.common.jose.Ed25519;
import java.util.Optional;

/**
 * Ed25519 with the fastest library that works here: checking a batch's signature and signing its receipt is most of what an
 * ingesting aggregator does. Amazon Corretto's is native code for Linux on x86-64; everywhere else, or where it cannot be
 * loaded (a temporary folder that forbids programs, say), Bouncy Castle does the same, slower. They accept the same
 * signatures; a test holds that.
 */
public final class FastEd25519 {
    private static final Optional<CorrettoEd25519> NATIVE = CorrettoEd25519.load();

    private FastEd25519() {}

    /** Verifies; false for anything that does not, never an exception. */
    public static final Ed25519.SignatureVerifier VERIFIER =
            NATIVE.<Ed25519.SignatureVerifier>map(n -> n::verify).orElse(BouncyEd25519.VERIFIER);

    /** A signer with this 32-byte seed. */
    public static Ed25519.Signer signer(byte[] seed) {
        return NATIVE.map(n -> n.signer(seed)).orElseGet(() -> BouncyEd25519.signer(seed));
    }

    /** The public key of a seed. */
    public static byte[] publicKey(byte[] seed) {
        return BouncyEd25519.publicKey(seed);
    }

    /** What is used, for the log. */
    public static String library() {
        return NATIVE.map(n -> NativeCrypto.NAME).orElse(BouncyEd25519.NAME);
    }
}
