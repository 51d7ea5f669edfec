package io.tallystick.common.jose;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Ed25519Test {
    private static final HexFormat HEX = HexFormat.of();
    private static final byte[] SEED = HEX.parseHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    private static final byte[] KEY = HEX.parseHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");

    /** RFC 8032 section 7.1: TEST 1, 2, 3 and SHA(abc). */
    @ParameterizedTest
    @CsvSource({
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60,"
                + "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a,'',"
                + "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb,"
                + "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c,72,"
                + "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7,"
                + "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025,af82,"
                + "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42,"
                + "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf,"
                + "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f,"
                + "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
    })
    void the_vectors_of_rfc_8032_hold(String seed, String key, String message, String signature) {
        byte[] m = HEX.parseHex(message);
        byte[] s = HEX.parseHex(signature);
        assertArrayEquals(
                s, Ed25519.signer(Ed25519.privateKey(HEX.parseHex(seed))).sign(m));
        assertTrue(Ed25519.JDK.verify(HEX.parseHex(key), m, s));
        assertTrue(Ed25519.isAcceptableKey(HEX.parseHex(key)));
        assertTrue(Ed25519.isCanonicalSignature(s));
        assertArrayEquals(HEX.parseHex(seed), Ed25519.seed(Ed25519.privateKey(HEX.parseHex(seed))));
    }

    @Test
    void there_are_eight_points_of_small_order_and_none_is_a_key() {
        Map<Edwards25519.Point, Integer> torsion = Edwards25519.torsion();
        Map<Integer, Integer> byOrder = new TreeMap<>();
        torsion.values().forEach(order -> byOrder.merge(order, 1, Integer::sum));
        assertEquals(Map.of(1, 1, 2, 1, 4, 2, 8, 4), byOrder);
        torsion.forEach((point, order) -> {
            for (boolean sign : new boolean[] {false, true}) {
                byte[] key = Edwards25519.encode(point.y(), sign);
                assertFalse(Ed25519.isAcceptableKey(key), () -> "order " + order + ": " + HEX.formatHex(key));
                assertThrows(IllegalArgumentException.class, () -> Jwk.ofBytes(key));
            }
        });
    }

    /** Fourteen encodings are known by heart to attackers; five y, with and without sign, and y + p where it fits. */
    @Test
    void no_encoding_of_y_at_or_above_the_field_is_a_key() {
        for (int above = 0; above < 19; above++) {
            BigInteger y = Edwards25519.P.add(BigInteger.valueOf(above));
            assertFalse(Ed25519.isAcceptableKey(Edwards25519.encode(y, false)), "p + " + above);
            assertFalse(Ed25519.isAcceptableKey(Edwards25519.encode(y, true)), "p + " + above);
        }
        byte[] all = new byte[32];
        Arrays.fill(all, (byte) 0xff);
        assertFalse(Ed25519.isAcceptableKey(all));
        assertFalse(Ed25519.isAcceptableKey(new byte[32]));
        assertTrue(Ed25519.isAcceptableKey(Edwards25519.encode(Edwards25519.P.subtract(BigInteger.TWO), false)));
        assertTrue(Ed25519.isAcceptableKey(Edwards25519.encode(BigInteger.TWO, true)));
    }

    @Test
    void a_key_of_another_length_is_refused() {
        assertFalse(Ed25519.isAcceptableKey(new byte[0]));
        assertFalse(Ed25519.isAcceptableKey(Arrays.copyOf(KEY, 31)));
        assertFalse(Ed25519.isAcceptableKey(Arrays.copyOf(KEY, 33)));
        assertThrows(IllegalArgumentException.class, () -> Ed25519.privateKey(new byte[31]));
    }

    @Test
    void a_key_that_is_no_point_verifies_nothing_and_does_not_throw() {
        BigInteger y = BigInteger.TWO;
        while (Edwards25519.withY(y).isPresent()) {
            y = y.add(BigInteger.ONE);
        }
        byte[] noPoint = Edwards25519.encode(y, false);
        byte[] message = {1};
        byte[] signature = Ed25519.signer(Ed25519.privateKey(SEED)).sign(message);
        assertFalse(Ed25519.JDK.verify(noPoint, message, signature));
        assertFalse(Ed25519.JDK.verify(new byte[5], message, signature));
        assertFalse(Ed25519.JDK.verify(KEY, message, new byte[3]));
        assertFalse(Ed25519.JDK.verify(KEY, message, new byte[0]));
    }

    @Test
    void s_plus_the_group_order_is_no_second_signature() {
        byte[] signature = Ed25519.signer(Ed25519.privateKey(SEED)).sign(new byte[] {1});
        BigInteger s = littleEndian(Arrays.copyOfRange(signature, 32, 64));
        for (int times = 1;
                s.add(Edwards25519.L.multiply(BigInteger.valueOf(times))).bitLength() <= 256;
                times++) {
            byte[] forged = withS(signature, s.add(Edwards25519.L.multiply(BigInteger.valueOf(times))));
            assertFalse(Ed25519.isCanonicalSignature(forged), "S + " + times + "L");
        }
        assertFalse(Ed25519.isCanonicalSignature(withS(signature, Edwards25519.L)));
        assertTrue(Ed25519.isCanonicalSignature(withS(signature, Edwards25519.L.subtract(BigInteger.ONE))));
        assertTrue(Ed25519.isCanonicalSignature(withS(signature, BigInteger.ZERO)));
    }

    @Test
    void a_second_encoding_of_r_is_no_second_signature() {
        byte[] signature = new byte[64];
        for (int above = 0; above < 19; above++) {
            byte[] r = Edwards25519.encode(Edwards25519.P.add(BigInteger.valueOf(above)), false);
            System.arraycopy(r, 0, signature, 0, 32);
            assertFalse(Ed25519.isCanonicalSignature(signature), "p + " + above);
        }
        // x is 0 at y = 1 and y = -1, and there is no negative zero.
        for (BigInteger y : new BigInteger[] {BigInteger.ONE, Edwards25519.P.subtract(BigInteger.ONE)}) {
            System.arraycopy(Edwards25519.encode(y, true), 0, signature, 0, 32);
            assertFalse(Ed25519.isCanonicalSignature(signature));
            System.arraycopy(Edwards25519.encode(y, false), 0, signature, 0, 32);
            assertTrue(Ed25519.isCanonicalSignature(signature));
        }
        assertFalse(Ed25519.isCanonicalSignature(new byte[63]));
        assertFalse(Ed25519.isCanonicalSignature(new byte[65]));
    }

    @Test
    void no_flipped_bit_of_signature_message_or_key_verifies() {
        byte[] message = "Example of Ed25519 signing".getBytes(StandardCharsets.US_ASCII);
        byte[] signature = Ed25519.signer(Ed25519.privateKey(SEED)).sign(message);
        assertTrue(accepted(KEY, message, signature));
        for (int bit = 0; bit < 512; bit++) {
            assertFalse(accepted(KEY, message, flipped(signature, bit)), "signature bit " + bit);
        }
        for (int bit = 0; bit < message.length * 8; bit++) {
            assertFalse(accepted(KEY, flipped(message, bit), signature), "message bit " + bit);
        }
        for (int bit = 0; bit < 256; bit++) {
            assertFalse(accepted(flipped(KEY, bit), message, signature), "key bit " + bit);
        }
    }

    private static boolean accepted(byte[] key, byte[] message, byte[] signature) {
        return Ed25519.isAcceptableKey(key)
                && Ed25519.isCanonicalSignature(signature)
                && Ed25519.JDK.verify(key, message, signature);
    }

    private static byte[] flipped(byte[] bytes, int bit) {
        byte[] out = bytes.clone();
        out[bit / 8] ^= (byte) (1 << (bit % 8));
        return out;
    }

    private static byte[] withS(byte[] signature, BigInteger s) {
        byte[] out = signature.clone();
        for (int i = 0; i < 32; i++) {
            out[32 + i] = s.shiftRight(8 * i).byteValue();
        }
        return out;
    }

    private static BigInteger littleEndian(byte[] bytes) {
        BigInteger n = BigInteger.ZERO;
        for (int i = bytes.length - 1; i >= 0; i--) {
            n = n.shiftLeft(8).or(BigInteger.valueOf(bytes[i] & 0xff));
        }
        return n;
    }
}
