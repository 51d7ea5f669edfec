package io.tallystick.common.jose;

import java.util.HexFormat;

/** Published key pairs of RFC 8032 section 7.1, so that signatures in golden files never change. Secret to nobody. */
public final class TestKeys {
    /** TEST 1, also the key of RFC 8037 appendix A. */
    public static final Ed25519.Signer AGENT =
            signer("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");

    public static final Jwk AGENT_KEY = key("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    public static final String AGENT_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    /** TEST 2. */
    public static final Ed25519.Signer ISSUER =
            signer("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");

    public static final Jwk ISSUER_KEY = key("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");

    private TestKeys() {}

    private static Ed25519.Signer signer(String seed) {
        return Ed25519.signer(Ed25519.privateKey(HexFormat.of().parseHex(seed)));
    }

    private static Jwk key(String hex) {
        return Jwk.ofBytes(HexFormat.of().parseHex(hex));
    }
}
