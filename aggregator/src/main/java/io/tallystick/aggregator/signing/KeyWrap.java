package io.tallystick.aggregator.signing;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Wraps private keys, and keys lent to us, for the database with AES-256-GCM under a key that is only in the configuration, so that a copy of
 * the database signs nothing. The key id is bound in as associated data: a wrapped key moved to another row is refused.
 */
public final class KeyWrap {
    public static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private final SecretKeySpec key;
    private final SecureRandom random;

    public KeyWrap(byte[] wrappingKey, SecureRandom random) {
        if (wrappingKey.length != KEY_BYTES) {
            throw new IllegalArgumentException("the wrapping key must be " + KEY_BYTES + " bytes");
        }
        this.key = new SecretKeySpec(wrappingKey, "AES");
        this.random = random;
    }

    /** What {@link #unwrap} takes under the same id. */
    public byte[] wrap(String kid, byte[] secret) {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        byte[] sealed = crypt(Cipher.ENCRYPT_MODE, kid, nonce, secret);
        byte[] out = Arrays.copyOf(nonce, NONCE_BYTES + sealed.length);
        System.arraycopy(sealed, 0, out, NONCE_BYTES, sealed.length);
        return out;
    }

    /** Throws {@link IllegalStateException} if the wrapping key is another one or the row was changed. */
    public byte[] unwrap(String kid, byte[] wrapped) {
        byte[] nonce = Arrays.copyOf(wrapped, NONCE_BYTES);
        return crypt(Cipher.DECRYPT_MODE, kid, nonce, Arrays.copyOfRange(wrapped, NONCE_BYTES, wrapped.length));
    }

    private byte[] crypt(int mode, String kid, byte[] nonce, byte[] in) {
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
            cipher.updateAAD(kid.getBytes(StandardCharsets.UTF_8));
            return cipher.doFinal(in);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    "key " + kid + " cannot be unwrapped: is keys.wrapping-key.file the one it was made with?", e);
        }
    }
}
