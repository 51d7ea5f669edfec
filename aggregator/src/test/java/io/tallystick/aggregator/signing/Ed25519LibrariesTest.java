package io.tallystick.aggregator.signing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.jose.Ed25519;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Agents sign with the JDK; the aggregator verifies with whatever library works where it runs. Were they to differ about a
 * signature, one replica would store what another calls a forgery, and a rebuild would find the ledger changed.
 */
class Ed25519LibrariesTest {
    private static final long SEED = 20_260_310L;
    private static final BigInteger L =
            BigInteger.TWO.pow(252).add(new BigInteger("27742317777372353535851937790883648493"));
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
        assertEquals(here ? NativeCrypto.NAME : BouncyEd25519.NAME, FastEd25519.library());
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
        assertFalse(agreed(key, message, withOrderAdded(good), "S above the order"));
    }

    /**
     * Points with a part of order 8, made on purpose: four signatures under a key of mixed order, of which those verify whose
     * challenge is divisible by 8, and one whose own point is of mixed order. With the cofactor all five would verify.
     */
    @ParameterizedTest
    @CsvSource({
        "false, b154bd62188ae283dd187fefe8c31f5e276edf083b4cff11c9d5cff856c74440, message 0,"
                + " 3e54c441927f9f0ee5e13e34f0b0404c5043651a8f4b7ef087a1c42262a85d0a"
                + "fb8ff6949c56889f30e9cd7908af60e7c7f4787b4be1dc2ee1875e8c61901206",
        "false, b154bd62188ae283dd187fefe8c31f5e276edf083b4cff11c9d5cff856c74440, message 1,"
                + " 3e54c441927f9f0ee5e13e34f0b0404c5043651a8f4b7ef087a1c42262a85d0a"
                + "f4b8ea770cf7aa5d5fa4b6f2ab6d6b5b8b135dd9b2cd86b1836a750f6a0ba305",
        "true, b154bd62188ae283dd187fefe8c31f5e276edf083b4cff11c9d5cff856c74440, message 4,"
                + " 3e54c441927f9f0ee5e13e34f0b0404c5043651a8f4b7ef087a1c42262a85d0a"
                + "9e29e187c5b58e576909d686805c2e2400db36ab7984dc57e83298c6e920730a",
        "true, b154bd62188ae283dd187fefe8c31f5e276edf083b4cff11c9d5cff856c74440, message 8,"
                + " 3e54c441927f9f0ee5e13e34f0b0404c5043651a8f4b7ef087a1c42262a85d0a"
                + "2b27323d350829e99f46051b974552f8d4e54b1975157690442a7909ff406507",
        "false, 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8, message 0,"
                + " 607055ca3d4aa8af26961afb12b1e60a75fac88f9c260ff25806631dbb269159"
                + "1502680b84125820223728d87932a6f68044fcb7e781548a34d92ebf27637d00"
    })
    void allAgreeAboutPointsOfMixedOrder(boolean verifies, String key, String message, String signature) {
        byte[] keyBytes = HexFormat.of().parseHex(key);
        byte[] signatureBytes = HexFormat.of().parseHex(signature);
        assertTrue(Ed25519.isAcceptableKey(keyBytes) && Ed25519.isCanonicalSignature(signatureBytes));
        assertEquals(verifies, agreed(keyBytes, message.getBytes(StandardCharsets.US_ASCII), signatureBytes, message));
    }

    /** The signature with S + L in the place of S: the same number to who does not look. */
    private static byte[] withOrderAdded(byte[] signature) {
        byte[] s = new byte[33];
        for (int i = 0; i < 32; i++) {
            s[32 - i] = signature[32 + i];
        }
        BigInteger sum = new BigInteger(1, s).add(L);
        byte[] out = signature.clone();
        for (int i = 0; i < 32; i++) {
            out[32 + i] = sum.shiftRight(8 * i).byteValue();
        }
        return out;
    }
}
