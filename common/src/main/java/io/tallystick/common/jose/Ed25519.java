package io.tallystick.common.jose;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Set;

/**
 * Ed25519 (RFC 8032) with the JDK, and the checks on keys and signatures that make one key have one encoding and one
 * signature one form. The aggregator verifies with a faster library through {@link SignatureVerifier}; these checks are
 * made before either, by {@link Jwk} and {@link Jws}.
 */
public final class Ed25519 {
    public static final int KEY_BYTES = 32;
    public static final int SIGNATURE_BYTES = 64;

    private static final BigInteger P = BigInteger.TWO.pow(255).subtract(BigInteger.valueOf(19));
    private static final BigInteger L =
            BigInteger.TWO.pow(252).add(new BigInteger("27742317777372353535851937790883648493"));
    private static final byte[] SPKI_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");
    private static final byte[] PKCS8_PREFIX = HexFormat.of().parseHex("302e020100300506032b657004220420");

    /** The y coordinates of the eight points whose order divides 8: any message verifies under some of them. */
    private static final Set<BigInteger> LOW_ORDER_Y = Set.of(
            BigInteger.ZERO,
            BigInteger.ONE,
            P.subtract(BigInteger.ONE),
            new BigInteger("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16),
            new BigInteger("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16));

    /** Checks a signature over a message; true only if it verifies. Never throws for bad input. Thread-safe. */
    @FunctionalInterface
    public interface SignatureVerifier {
        boolean verify(byte[] publicKey, byte[] message, byte[] signature);
    }

    /** Signs a message with a key it keeps. Thread-safe. */
    @FunctionalInterface
    public interface Signer {
        byte[] sign(byte[] message);
    }

    private Ed25519() {}

    /** The JDK's verification. */
    public static final SignatureVerifier JDK = Ed25519::verifyWithJdk;

    /** A signer over a private key of the JDK's Ed25519 provider. */
    public static Signer signer(PrivateKey key) {
        return message -> {
            try {
                Signature s = Signature.getInstance("Ed25519");
                s.initSign(key);
                s.update(message);
                return s.sign();
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("Ed25519 signing failed", e);
            }
        };
    }

    /** The private key of a 32-byte seed (RFC 8032 section 5.1.5). */
    public static PrivateKey privateKey(byte[] seed) {
        try {
            return KeyFactory.getInstance("Ed25519")
                    .generatePrivate(new PKCS8EncodedKeySpec(concat(PKCS8_PREFIX, seed)));
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("not an Ed25519 seed", e);
        }
    }

    /**
     * The public key of its 32-byte encoding (RFC 8032 section 5.1.2). Whether it is a point on the curve shows where it
     * is used.
     */
    public static PublicKey publicKey(byte[] encoded) throws GeneralSecurityException {
        return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(concat(SPKI_PREFIX, encoded)));
    }

    /** The 32-byte seed of a private key made by the JDK. */
    public static byte[] seed(PrivateKey key) {
        byte[] der = key.getEncoded();
        return Arrays.copyOfRange(der, der.length - KEY_BYTES, der.length);
    }

    /** The 32-byte encoding of a public key made by the JDK. */
    public static byte[] rawPublicKey(PublicKey key) {
        byte[] der = key.getEncoded();
        return Arrays.copyOfRange(der, der.length - KEY_BYTES, der.length);
    }

    /** Whether this is the one canonical encoding of a point that is not of low order. */
    public static boolean isAcceptableKey(byte[] key) {
        if (key.length != KEY_BYTES) {
            return false;
        }
        BigInteger y = littleEndianWithoutSign(key, 0);
        return y.compareTo(P) < 0 && !LOW_ORDER_Y.contains(y);
    }

    /** Whether S is below the group order and R's encoding canonical, so that a signature has no second form. */
    public static boolean isCanonicalSignature(byte[] signature) {
        if (signature.length != SIGNATURE_BYTES) {
            return false;
        }
        BigInteger r = littleEndianWithoutSign(signature, 0);
        // Where x is 0 (y is 1 or -1) there is no negative x, so the sign bit would be a second form.
        boolean negativeZero =
                signature[KEY_BYTES - 1] < 0 && (r.equals(BigInteger.ONE) || r.equals(P.subtract(BigInteger.ONE)));
        byte[] s = Arrays.copyOfRange(signature, KEY_BYTES, SIGNATURE_BYTES);
        return r.compareTo(P) < 0 && !negativeZero && new BigInteger(1, reversed(s)).compareTo(L) < 0;
    }

    private static boolean verifyWithJdk(byte[] publicKey, byte[] message, byte[] signature) {
        // The JDK does not look at what follows the 64 bytes.
        if (signature.length != SIGNATURE_BYTES) {
            return false;
        }
        try {
            Signature s = Signature.getInstance("Ed25519");
            s.initVerify(publicKey(publicKey));
            s.update(message);
            return s.verify(signature);
        } catch (SignatureException e) {
            return false;
        } catch (GeneralSecurityException e) {
            // A point that is not on the curve cannot be a key.
            return false;
        }
    }

    private static BigInteger littleEndianWithoutSign(byte[] bytes, int from) {
        byte[] part = reversed(Arrays.copyOfRange(bytes, from, from + KEY_BYTES));
        part[0] &= 0x7f;
        return new BigInteger(1, part);
    }

    private static byte[] reversed(byte[] bytes) {
        byte[] out = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            out[i] = bytes[bytes.length - 1 - i];
        }
        return out;
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] out = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, out, a.length, b.length);
        return out;
    }
}
