package io.tallystick.aggregator.account;

import io.tallystick.aggregator.db.Ids;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.text.Normalizer;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;

/**
 * Hashes and checks passwords with Argon2id (RFC 9106), off the event loops and at most {@value #AT_ONCE} at a time: each
 * takes its memory on purpose. What is stored says with which parameters it was made, so that raising them leaves old
 * hashes valid.
 */
public final class Passwords {
    public static final int CHARS_MIN = 12;
    public static final int CHARS_MAX = 200;

    private static final int SALT_BYTES = 16;
    private static final int HASH_BYTES = 32;
    private static final int AT_ONCE = 2;
    /** A hash in the table that asks for more than this is damaged, and must not take the machine with it. */
    private static final int MEMORY_KIB_MAX = 1024 * 1024;

    private static final int GENERATED_CHARS = 20;
    private static final String GENERATED_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";
    private static final Pattern PHC = Pattern.compile(
            "\\$argon2id\\$v=19\\$m=(\\d{1,7}),t=(\\d{1,3}),p=1\\$([A-Za-z0-9+/]{22})\\$([A-Za-z0-9+/]{43})");

    /** What making a hash takes, and what checking one takes: on purpose, of whoever guesses. */
    public enum Cost {
        /** As OWASP's password storage cheat sheet has it. */
        STANDARD(19 * 1024, 2),
        /** For sandboxes, whose passwords are thrown away with them. */
        SANDBOX(64, 1);

        final int memoryKib;
        final int passes;

        Cost(int memoryKib, int passes) {
            this.memoryKib = memoryKib;
            this.passes = passes;
        }
    }

    private final WorkerExecutor workers;
    private final Cost cost;
    private final Ids ids;
    private final String dummy;

    public Passwords(Vertx vertx, Cost cost, Ids ids) {
        this.workers = vertx.createSharedWorkerExecutor("passwords", AT_ONCE);
        this.cost = cost;
        this.ids = ids;
        // Nobody's: what a sign-in under an unknown address is checked against, so that it takes as long as any other.
        this.dummy = phc(cost.memoryKib, cost.passes, ids.bytes(SALT_BYTES), ids.bytes(HASH_BYTES));
    }

    /** The password itself, or {@link IllegalArgumentException} with the rule. */
    public static String check(String password) {
        int chars = password.codePointCount(0, password.length());
        if (chars < CHARS_MIN || chars > CHARS_MAX) {
            throw new IllegalArgumentException("must have " + CHARS_MIN + " to " + CHARS_MAX + " characters");
        }
        return password;
    }

    /** A password of about 100 bits that can be read out and typed. */
    public String generate() {
        return ids.text(GENERATED_ALPHABET, GENERATED_CHARS);
    }

    public Future<String> hash(String password) {
        byte[] salt = ids.bytes(SALT_BYTES);
        return workers.executeBlocking(
                () -> phc(cost.memoryKib, cost.passes, salt, argon2id(password, cost.memoryKib, cost.passes, salt)),
                false);
    }

    /** Whether this is the password of the hash. */
    public Future<Boolean> matches(String password, String phc) {
        Matcher parts = PHC.matcher(phc);
        if (!parts.matches() || Integer.parseInt(parts.group(1)) > MEMORY_KIB_MAX) {
            return Future.failedFuture(new IllegalStateException("a stored password hash is damaged"));
        }
        byte[] salt = Base64.getDecoder().decode(parts.group(3));
        byte[] expected = Base64.getDecoder().decode(parts.group(4));
        return workers.executeBlocking(
                () -> MessageDigest.isEqual(
                        expected,
                        argon2id(password, Integer.parseInt(parts.group(1)), Integer.parseInt(parts.group(2)), salt)),
                false);
    }

    /** Takes as long as {@link #matches} and says no. */
    public Future<Boolean> matchesNobody(String password) {
        return matches(password, dummy).map(false);
    }

    /** The same password typed on another keyboard is the same: composed characters first. */
    private static byte[] argon2id(String password, int memoryKib, int passes, byte[] salt) {
        Argon2BytesGenerator argon2 = new Argon2BytesGenerator();
        argon2.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                .withMemoryAsKB(memoryKib)
                .withIterations(passes)
                .withParallelism(1)
                .withSalt(salt)
                .build());
        byte[] hash = new byte[HASH_BYTES];
        argon2.generateBytes(
                Normalizer.normalize(password, Normalizer.Form.NFC).getBytes(StandardCharsets.UTF_8), hash);
        return hash;
    }

    private static String phc(int memoryKib, int passes, byte[] salt, byte[] hash) {
        Base64.Encoder base64 = Base64.getEncoder().withoutPadding();
        return "$argon2id$v=19$m=" + memoryKib + ",t=" + passes + ",p=1$" + base64.encodeToString(salt) + "$"
                + base64.encodeToString(hash);
    }
}
