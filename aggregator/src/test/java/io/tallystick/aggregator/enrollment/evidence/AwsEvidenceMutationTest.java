package io.tallystick.aggregator.enrollment.evidence;

import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.GENUINE;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.genuine;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.genuineSigner;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.utf8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever happens to the bytes of a genuine blob, the answer is the same identity or a refusal, and never another
 * exception. The same identity is possible because some bytes are rightly not looked at (the signer's name, say).
 */
class AwsEvidenceMutationTest {
    /** A share; more with the property. */
    private static final int RANDOM_MUTATIONS = Integer.getInteger("tallystick.mutations", 100);

    private static final long SEED = 20_261_121;

    @TempDir
    private Path folder = Path.of("");

    private AwsEvidenceVerifier verifier = new AwsEvidenceVerifier(TrustAnchors.shipped());

    @BeforeEach
    void trustTheKeysOfTheTests() {
        verifier = AwsWorld.verifier(folder);
    }

    @Test
    void everyFlippedBitIsRefusedOrChangesNothing() {
        for (byte[] blob : List.of(genuine(), der())) {
            VerifiedIdentity identity = verifier.verify(blob, null);
            int refused = 0;
            for (int bit = 0; bit < blob.length * 8; bit++) {
                byte[] flipped = blob.clone();
                flipped[bit / 8] ^= (byte) (1 << (bit % 8));
                refused += refused(identity, flipped, "bit " + bit);
            }
            // Document, digest and signature alone are most of the blob: a checker that accepts all would stand out.
            assertTrue(refused > (GENUINE.length() + 32 + 256) * 8, "refused only " + refused);
        }
    }

    @Test
    void everyFlippedBitOfTheBase64IsRefusedOrChangesNothing() {
        byte[] text = Cms.base64(der());
        VerifiedIdentity identity = verifier.verify(text, null);
        for (int bit = 0; bit < text.length * 8; bit++) {
            byte[] flipped = text.clone();
            flipped[bit / 8] ^= (byte) (1 << (bit % 8));
            refused(identity, flipped, "bit " + bit + " of the text");
        }
    }

    @Test
    void everyTruncationIsRefused() {
        for (byte[] blob : List.of(genuine(), der())) {
            VerifiedIdentity identity = verifier.verify(blob, null);
            for (int length = 0; length < blob.length; length++) {
                byte[] cut = Arrays.copyOf(blob, length);
                assertEquals(1, refused(identity, cut, "cut to " + length));
            }
        }
    }

    @Test
    void randomMutationsAreRefusedOrChangeNothing() {
        Random random = new Random(SEED);
        for (int i = 0; i < RANDOM_MUTATIONS; i++) {
            byte[] blob = random.nextBoolean() ? genuine() : der();
            VerifiedIdentity identity = verifier.verify(blob, null);
            byte[] mutated = blob;
            for (int times = 1 + random.nextInt(4); times > 0; times--) {
                mutated = mutate(mutated, random);
            }
            refused(identity, mutated, "seed " + SEED + ", mutation " + i);
        }
    }

    @Test
    void randomBytesAreRefused() {
        Random random = new Random(SEED);
        VerifiedIdentity identity = verifier.verify(genuine(), null);
        for (int i = 0; i < RANDOM_MUTATIONS; i++) {
            byte[] noise = new byte[1 + random.nextInt(2_000)];
            random.nextBytes(noise);
            noise[0] = random.nextBoolean() ? 0x30 : noise[0];
            assertEquals(1, refused(identity, noise, "seed " + SEED + ", noise " + i));
        }
    }

    /** 1 for a refusal, 0 for the same identity; anything else fails the test. */
    private int refused(VerifiedIdentity identity, byte[] blob, String what) {
        try {
            assertEquals(identity, verifier.verify(blob, null), what);
            return 0;
        } catch (Failure e) {
            assertEquals(ErrorCode.INVALID_EVIDENCE, e.code(), what);
            assertTrue(e.data().containsKey("rule"), what);
            return 1;
        } catch (RuntimeException e) {
            return fail(what + ": " + HexFormat.of().formatHex(blob), e);
        }
    }

    private static byte[] mutate(byte[] bytes, Random random) {
        if (bytes.length < 2) {
            return new byte[] {0x30, (byte) random.nextInt()};
        }
        int from = random.nextInt(bytes.length);
        int to = from + random.nextInt(Math.min(64, bytes.length - from) + 1);
        byte[] slice = Arrays.copyOfRange(bytes, from, to);
        return switch (random.nextInt(4)) {
            case 0 -> splice(bytes, from, to, new byte[0]);
            case 1 -> splice(bytes, to, to, slice);
            case 2 -> {
                random.nextBytes(slice);
                yield splice(bytes, from, to, slice);
            }
            default -> {
                int elsewhere = random.nextInt(bytes.length);
                yield splice(bytes, elsewhere, elsewhere, slice);
            }
        };
    }

    private static byte[] splice(byte[] bytes, int from, int to, byte[] replacement) {
        byte[] result = new byte[bytes.length - (to - from) + replacement.length];
        System.arraycopy(bytes, 0, result, 0, from);
        System.arraycopy(replacement, 0, result, from, replacement.length);
        System.arraycopy(bytes, to, result, from + replacement.length, bytes.length - to);
        return result;
    }

    private static byte[] der() {
        return Cms.signed(utf8(GENUINE), genuineSigner().absentParameters())
                .der()
                .bytes();
    }
}
