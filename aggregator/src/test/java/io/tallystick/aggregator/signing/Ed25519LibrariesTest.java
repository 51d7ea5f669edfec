package io.tallystick.aggregator.signing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.jose.Ed25519;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Agents sign with the JDK; the aggregator verifies with whatever library works where it runs. Were they to differ about a
 * signature, one replica would store what another calls a forgery, and a rebuild would find the ledger changed.
 */
class Ed25519LibrariesTest {
    private static final long SEED = 20_260_310L;
    private static final BigInteger P = BigInteger.TWO.pow(255).subtract(BigInteger.valueOf(19));
    private static final BigInteger L =
            BigInteger.TWO.pow(252).add(new BigInteger("27742317777372353535851937790883648493"));
    private static final BigInteger D = BigInteger.valueOf(-121665)
            .multiply(BigInteger.valueOf(121666).modInverse(P))
            .mod(P);
    /** The y of a point of order 8. */
    private static final BigInteger ORDER_8_Y =
            new BigInteger("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16);

    private static final BigInteger BASE_Y =
            BigInteger.valueOf(4).multiply(BigInteger.valueOf(5).modInverse(P)).mod(P);

    private final Random random = new Random(SEED);

    private static Map<String, Ed25519.SignatureVerifier> libraries() {
        Map<String, Ed25519.SignatureVerifier> all = new TreeMap<>();
        all.put("jdk", Ed25519.JDK);
        all.put("bouncy", BouncyEd25519.VERIFIER);
        CorrettoEd25519.load().ifPresent(n -> all.put("corretto", n::verify));
        return all;
    }

    private static boolean agreed(byte[] key, byte[] message, byte[] signature, String what) {
        Map<String, Boolean> said = new TreeMap<>();
        libraries().forEach((name, verifier) -> said.put(name, verifier.verify(key, message, signature)));
        assertEquals(1, new TreeSet<>(said.values()).size(), () -> what + ", seed " + SEED + ": " + said);
        return said.containsValue(true);
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    @Test
    void onThisMachineTheNativeLibraryIsUsedWhereItExists() {
        boolean here = System.getProperty("os.arch").equals("amd64")
                && System.getProperty("os.name").equals("Linux");
        assertEquals(here ? CorrettoEd25519.NAME : BouncyEd25519.NAME, FastEd25519.library());
    }

    @Test
    void allMakeTheSameSignatures() {
        for (int i = 0; i < 20; i++) {
            byte[] seed = bytes(32);
            byte[] message = bytes(random.nextInt(300));
            byte[] signature = Ed25519.signer(Ed25519.privateKey(seed)).sign(message);
            assertArrayEquals(signature, BouncyEd25519.signer(seed).sign(message));
            assertArrayEquals(signature, FastEd25519.signer(seed).sign(message));
            assertTrue(agreed(FastEd25519.publicKey(seed), message, signature, "a good signature"));
        }
    }

    @Test
    void allRefuseWhatWasChanged() {
        byte[] seed = bytes(32);
        byte[] key = FastEd25519.publicKey(seed);
        byte[] message = bytes(100);
        byte[] good = FastEd25519.signer(seed).sign(message);
        for (int bit = 0; bit < good.length * 8; bit++) {
            byte[] other = good.clone();
            other[bit / 8] ^= (byte) (1 << (bit % 8));
            assertFalse(agreed(key, message, other, "bit " + bit + " of the signature"));
        }
        for (int bit = 0; bit < key.length * 8; bit++) {
            byte[] other = key.clone();
            other[bit / 8] ^= (byte) (1 << (bit % 8));
            if (Ed25519.isAcceptableKey(other)) {
                assertFalse(agreed(other, message, good, "bit " + bit + " of the key"));
            }
        }
        for (byte[] odd : List.of(new byte[0], new byte[63], new byte[65], Arrays.copyOf(good, 65))) {
            assertFalse(agreed(key, message, odd, odd.length + " bytes"));
        }
        // S + L is the same number to who does not look.
        BigInteger s = little(Arrays.copyOfRange(good, 32, 64)).add(L);
        assertFalse(agreed(key, message, join(Arrays.copyOf(good, 32), encode(s)), "S above the order"));
    }

    /** Of a key with a part of order 8, one in eight signatures verifies without the cofactor, and all do with it. */
    @Test
    void allAgreeUnderAKeyOfMixedOrder() throws Exception {
        byte[] seed = bytes(32);
        byte[] hash = MessageDigest.getInstance("SHA-512").digest(seed);
        BigInteger a = little(clamped(hash));
        Point mixed = point(BASE_Y, false).times(a).plus(point(ORDER_8_Y, false));
        byte[] key = mixed.encoded();
        assertTrue(Ed25519.isAcceptableKey(key), "it is not of low order itself");
        BigInteger r = new BigInteger(252, random);
        byte[] bigR = point(BASE_Y, false).times(r).encoded();
        List<Boolean> verified = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            byte[] message = ("message " + i).getBytes(StandardCharsets.UTF_8);
            BigInteger k = challenge(bigR, key, message);
            byte[] signature = join(bigR, encode(r.add(k.multiply(a)).mod(L)));
            boolean said = agreed(key, message, signature, "message " + i);
            assertEquals(k.mod(BigInteger.valueOf(8)).signum() == 0, said, "message " + i);
            verified.add(said);
        }
        assertTrue(verified.contains(true) && verified.contains(false), verified::toString);
    }

    /** The same with a signature whose point has a part of order 8, under a key that has none. */
    @Test
    void allRefuseASignatureOfMixedOrder() throws Exception {
        byte[] seed = bytes(32);
        byte[] hash = MessageDigest.getInstance("SHA-512").digest(seed);
        BigInteger a = little(clamped(hash));
        byte[] key = FastEd25519.publicKey(seed);
        BigInteger r = new BigInteger(252, random);
        byte[] bigR =
                point(BASE_Y, false).times(r).plus(point(ORDER_8_Y, false)).encoded();
        byte[] message = bytes(50);
        byte[] signature = join(
                bigR, encode(r.add(challenge(bigR, key, message).multiply(a)).mod(L)));
        assertTrue(Ed25519.isCanonicalSignature(signature), "nothing is wrong with its form");
        assertFalse(agreed(key, message, signature, "a point of mixed order"));
    }

    private static byte[] clamped(byte[] hash) {
        byte[] clamped = Arrays.copyOf(hash, 32);
        clamped[0] &= (byte) 0xf8;
        clamped[31] = (byte) ((clamped[31] & 0x7f) | 0x40);
        return clamped;
    }

    private static BigInteger challenge(byte[] bigR, byte[] key, byte[] message) throws GeneralSecurityException {
        MessageDigest digest = MessageDigest.getInstance("SHA-512");
        digest.update(bigR);
        digest.update(key);
        return little(digest.digest(message)).mod(L);
    }

    /** Affine, slow and short. */
    private record Point(BigInteger x, BigInteger y) {
        Point plus(Point o) {
            BigInteger xy =
                    D.multiply(x).multiply(o.x).multiply(y).multiply(o.y).mod(P);
            BigInteger newX = x.multiply(o.y)
                    .add(y.multiply(o.x))
                    .multiply(BigInteger.ONE.add(xy).modInverse(P));
            BigInteger newY = y.multiply(o.y)
                    .add(x.multiply(o.x))
                    .multiply(BigInteger.ONE.subtract(xy).modInverse(P));
            return new Point(newX.mod(P), newY.mod(P));
        }

        Point times(BigInteger n) {
            Point sum = new Point(BigInteger.ZERO, BigInteger.ONE);
            for (int bit = n.bitLength() - 1; bit >= 0; bit--) {
                sum = sum.plus(sum);
                sum = n.testBit(bit) ? sum.plus(this) : sum;
            }
            return sum;
        }

        byte[] encoded() {
            byte[] out = encode(y);
            out[31] |= (byte) (x.testBit(0) ? 0x80 : 0);
            return out;
        }
    }

    private static Point point(BigInteger y, boolean odd) {
        BigInteger yy = y.multiply(y);
        BigInteger xx = yy.subtract(BigInteger.ONE)
                .multiply(D.multiply(yy).add(BigInteger.ONE).modInverse(P))
                .mod(P);
        BigInteger x = xx.modPow(P.add(BigInteger.valueOf(3)).shiftRight(3), P);
        if (!x.multiply(x).mod(P).equals(xx)) {
            x = x.multiply(BigInteger.TWO.modPow(P.subtract(BigInteger.ONE).shiftRight(2), P))
                    .mod(P);
        }
        return new Point(x.testBit(0) == odd ? x : P.subtract(x), y);
    }

    private static BigInteger little(byte[] bytes) {
        byte[] big = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            big[i] = bytes[bytes.length - 1 - i];
        }
        return new BigInteger(1, big);
    }

    private static byte[] encode(BigInteger number) {
        byte[] out = new byte[32];
        for (int i = 0; i < out.length; i++) {
            out[i] = number.shiftRight(8 * i).byteValue();
        }
        return out;
    }

    private static byte[] join(byte[] a, byte[] b) {
        byte[] out = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, out, a.length, b.length);
        return out;
    }
}
