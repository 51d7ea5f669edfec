package io.tallystick.aggregator.awsapi;

import io.tallystick.aggregator.signing.NativeCrypto;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Registration;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.PSSParameterSpec;
import java.time.Instant;

/** The JWT that AWS's {@code RegisterUsage} answers with: PS256, and exactly these members. Takes milliseconds of CPU. */
final class RegistrationJwt {
    private static final int KEY_BITS = 3072;
    private static final int SALT_BYTES = 32;
    private static final String HEADER = "{\"alg\":\"PS256\",\"typ\":\"JWT\"}";

    private RegistrationJwt() {}

    static KeyPair makeKey(SecureRandom random) {
        try {
            KeyPairGenerator g = NativeCrypto.rsaKeys();
            g.initialize(KEY_BITS, random);
            return g.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** @param pkcs8 the private key */
    static String sign(byte[] pkcs8, Registration.Request request, Instant issuedAt) {
        byte[] payload = Json.writeBytes(Json.object(
                "ProductCode",
                request.product(),
                "PublicKeyVersion",
                request.publicKeyVersion(),
                "Nonce",
                request.nonce().orElse(null),
                "iat",
                issuedAt.getEpochSecond()));
        String input = Base64Url.encode(HEADER.getBytes(StandardCharsets.US_ASCII)) + "." + Base64Url.encode(payload);
        try {
            PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            Signature s = Signature.getInstance("RSASSA-PSS");
            s.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, SALT_BYTES, 1));
            s.initSign(key);
            s.update(input.getBytes(StandardCharsets.US_ASCII));
            return input + "." + Base64Url.encode(s.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a registration key cannot sign", e);
        }
    }
}
