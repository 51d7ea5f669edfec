package io.tallystick.agent.enroll;

import io.tallystick.agent.store.Tx;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.model.Hash;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.util.Optional;

/** The key this agent proves itself with, made at its first start; never leaves the state folder. */
public record AgentKey(Jwk jwk, Ed25519.Signer signer) {
    /** The stored key, or a new one that the transaction stores. */
    public static AgentKey loadOrMake(Tx tx) throws SQLException {
        Optional<String> seed = tx.meta("seed");
        Optional<String> x = tx.meta("x");
        if (seed.isPresent() && x.isPresent()) {
            return new AgentKey(
                    Jwk.ofBytes(Base64Url.decode(x.get())),
                    Ed25519.signer(Ed25519.privateKey(Base64Url.decode(seed.get()))));
        }
        try {
            KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            byte[] raw = Ed25519.rawPublicKey(pair.getPublic());
            tx.meta("seed", Base64Url.encode(Ed25519.seed(pair.getPrivate())));
            tx.meta("x", Base64Url.encode(raw));
            return new AgentKey(Jwk.ofBytes(raw), Ed25519.signer(pair.getPrivate()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK since 15 has Ed25519", e);
        }
    }

    public Hash thumbprint() {
        return jwk.thumbprint();
    }
}
