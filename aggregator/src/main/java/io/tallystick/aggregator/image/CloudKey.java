package io.tallystick.aggregator.image;

import java.util.List;
import java.util.regex.Pattern;

/** An access key of a cloud account. Never logged: {@link #toString} keeps the secret to itself. */
public record CloudKey(String accessKeyId, String secretKey) {
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9]{16,128}");
    private static final Pattern SECRET = Pattern.compile("[!-~]{16,256}");

    /** Throws {@link IllegalArgumentException} with a rule that does not repeat the secret. */
    public CloudKey {
        if (!ID.matcher(accessKeyId).matches()) {
            throw new IllegalArgumentException("the access key id must be 16 to 128 letters and digits");
        }
        if (!SECRET.matcher(secretKey).matches()) {
            throw new IllegalArgumentException("the secret key must be 16 to 256 characters without spaces");
        }
    }

    /** Two lines: the access key id and the secret key. */
    public static CloudKey parse(String text) {
        List<String> lines =
                text.lines().map(String::strip).filter(l -> !l.isEmpty()).toList();
        if (lines.size() != 2) {
            throw new IllegalArgumentException("must hold two lines: the access key id and the secret key");
        }
        return new CloudKey(lines.get(0), lines.get(1));
    }

    @Override
    public String toString() {
        return "CloudKey[" + accessKeyId + "]";
    }
}
