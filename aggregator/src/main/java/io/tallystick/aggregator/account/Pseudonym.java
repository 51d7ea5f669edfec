package io.tallystick.aggregator.account;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The name under which one seller sees one buyer: stable for that seller, different for every other, and not to be
 * computed without the seller's key, which no API gives out.
 */
public final class Pseudonym {
    public static final int KEY_BYTES = 32;
    private static final int SHOWN_BYTES = 8;
    private static final String ALGORITHM = "HmacSHA256";

    private final SecretKeySpec key;

    public Pseudonym(byte[] key) {
        this.key = new SecretKeySpec(key, ALGORITHM);
    }

    /** {@code buyer-} and 16 hex digits. */
    public String of(String accountId) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            byte[] hash = mac.doFinal(accountId.getBytes(StandardCharsets.UTF_8));
            return "buyer-" + HexFormat.of().formatHex(hash, 0, SHOWN_BYTES);
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every JDK has " + ALGORITHM, e);
        }
    }
}
