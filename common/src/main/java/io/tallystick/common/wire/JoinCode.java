package io.tallystick.common.wire;

import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.model.Hash;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A code by which a buyer lets VMs join that no cloud vouches for: {@code jc-…}, a dot, and the 32-byte seed of an Ed25519
 * key in base64url. The aggregator knows the public key only. An agent proves the code by a signature over its own key
 * and its instance, so the code itself never leaves the VM: what is sent, logged or kept as evidence lets nobody else in.
 */
public final class JoinCode {
    /** The form of an id. */
    static final Pattern ID = Pattern.compile("jc-[0-9a-z]{26}");

    private static final Pattern FORM = Pattern.compile("(jc-[0-9a-z]{26})\\.([A-Za-z0-9_-]{43})");
    /** A line of its own in a VM's user data, which may be a script or a cloud-config, so behind a comment sign too. */
    private static final Pattern USER_DATA_LINE =
            Pattern.compile("(?m)^[ \\t]*(?:#|//)?[ \\t]*tallystick-join-code[ \\t]*[=:][ \\t]*(\\S+)[ \\t\\r]*$");

    private final String id;
    private final byte[] seed;

    private JoinCode(String id, byte[] seed) {
        this.id = id;
        this.seed = seed;
    }

    /** The code written so. {@link IllegalArgumentException} tells the rule and never the text. */
    public static JoinCode parse(String text) {
        Matcher m = FORM.matcher(text);
        if (!m.matches()) {
            throw new IllegalArgumentException("must be a join code: jc-, 26 characters, a dot, 43 characters");
        }
        return new JoinCode(m.group(1), Base64Url.decode(m.group(2)));
    }

    /** The code of the first line {@code tallystick-join-code=…}; a line with something else is as none. */
    public static Optional<JoinCode> inUserData(String userData) {
        Matcher line = USER_DATA_LINE.matcher(userData);
        while (line.find()) {
            if (FORM.matcher(line.group(1)).matches()) {
                try {
                    return Optional.of(parse(line.group(1)));
                } catch (IllegalArgumentException e) {
                    // The last character holds spare bits that are not zero: mistyped.
                    continue;
                }
            }
        }
        return Optional.empty();
    }

    /** The text a buyer is shown once. */
    public static String text(String id, byte[] seed) {
        return id + "." + Base64Url.encode(seed);
    }

    public String id() {
        return id;
    }

    /** Proves this code for a key and an instance. */
    public EnrollRequest.Join prove(Hash agentKey, String instance) {
        byte[] proof = Ed25519.signer(Ed25519.privateKey(seed)).sign(message(id, agentKey, instance));
        return new EnrollRequest.Join(id, proof);
    }

    /** What a proof signs; the parts have fixed alphabets without line ends, so no two readings are the same bytes. */
    public static byte[] message(String id, Hash agentKey, String instance) {
        return ("tallystick-join-1\n" + id + "\n" + agentKey + "\n" + instance).getBytes(StandardCharsets.US_ASCII);
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return id;
    }
}
