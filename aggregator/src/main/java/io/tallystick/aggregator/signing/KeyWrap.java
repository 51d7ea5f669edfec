package io.tallystick.aggregator.signing;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
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

    private final List<SecretKeySpec> keys;
    private final SecureRandom random;

    /** @param wrappingKeys the first wraps and unwraps; the others, which it replaces, only unwrap */
    public KeyWrap(List<byte[]> wrappingKeys, SecureRandom random) {
        if (wrappingKeys.isEmpty() || wrappingKeys.stream().anyMatch(k -> k.length != KEY_BYTES)) {
            throw new IllegalArgumentException("a wrapping key must be " + KEY_BYTES + " bytes");
        }
        this.keys = wrappingKeys.stream().map(k -> new SecretKeySpec(k, "AES")).toList();
        this.random = random;
    }

    /** What {@link #unwrap} takes under the same id. */
    public byte[] wrap(String kid, byte[] secret) {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        byte[] sealed;
        try {
            sealed = crypt(Cipher.ENCRYPT_MODE, keys.get(0), kid, nonce, secret);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("key " + kid + " cannot be wrapped", e);
        }
        byte[] out = Arrays.copyOf(nonce, NONCE_BYTES + sealed.length);
        System.arraycopy(sealed, 0, out, NONCE_BYTES, sealed.length);
        return out;
    }

    /** Throws {@link IllegalStateException} if the wrapping key is another one or the row was changed. */
    public byte[] unwrap(String kid, byte[] wrapped) {
        byte[] nonce = Arrays.copyOf(wrapped, NONCE_BYTES);
        byte[] sealed = Arrays.copyOfRange(wrapped, NONCE_BYTES, wrapped.length);
        GeneralSecurityException last = null;
        for (SecretKeySpec key : keys) {
            try {
                return crypt(Cipher.DECRYPT_MODE, key, kid, nonce, sealed);
            } catch (GeneralSecurityException e) {
                // Wrapped by another one, or changed.
                last = e;
            }
        }
        throw new IllegalStateException(
                "key " + kid + " cannot be unwrapped: is keys.wrapping-key.file the one it was made with?", last);
    }

    private static byte[] crypt(int mode, SecretKeySpec key, String kid, byte[] nonce, byte[] in)
            throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(kid.getBytes(StandardCharsets.UTF_8));
        return cipher.doFinal(in);
    }
}
