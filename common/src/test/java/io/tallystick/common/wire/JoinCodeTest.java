package io.tallystick.common.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.TestKeys;
import io.tallystick.common.model.Hash;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JoinCodeTest {
    /** RFC 8032 section 7.1, TEST 3: the key of the code in {@link Samples}. */
    private static final byte[] CODE_KEY =
            HexFormat.of().parseHex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");

    private static final Hash AGENT = TestKeys.AGENT_KEY.thumbprint();

    private static boolean verifies(EnrollRequest.Join join, Hash agent, String instance) {
        return Ed25519.JDK.verify(CODE_KEY, JoinCode.message(join.code(), agent, instance), join.proof());
    }

    @Test
    void aProofIsGoodForOneKeyOneInstanceAndOneCode() {
        EnrollRequest.Join join = JoinCode.parse(Samples.JOIN_CODE).prove(AGENT, "i-0a1b2c3d");
        assertTrue(verifies(join, AGENT, "i-0a1b2c3d"));
        assertFalse(verifies(join, TestKeys.ISSUER_KEY.thumbprint(), "i-0a1b2c3d"));
        assertFalse(verifies(join, AGENT, "i-0a1b2c3e"));
        String other = "jc-" + "0".repeat(26);
        assertFalse(verifies(new EnrollRequest.Join(other, join.proof()), AGENT, "i-0a1b2c3d"));
    }

    @Test
    void theSecretNeitherTravelsNorPrints() {
        String secret = Samples.JOIN_CODE.substring(Samples.JOIN_CODE.indexOf('.') + 1);
        String sent = new String(Samples.join().toBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertFalse(sent.contains(secret), sent);
        assertEquals(
                "jc-01kahxq2zs8d5n0v3m7w9k2pxb",
                JoinCode.parse(Samples.JOIN_CODE).toString());
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> JoinCode.parse(Samples.JOIN_CODE + "x"));
        assertFalse(String.valueOf(e.getMessage()).contains(secret));
    }

    @Test
    void aLineOfUserDataIsFoundInScriptsAndConfigurationsOnly() {
        String code = Samples.JOIN_CODE;
        String id = JoinCode.parse(code).id();
        for (String userData : List.of(
                "tallystick-join-code=" + code,
                "#!/bin/sh\necho hello\n# tallystick-join-code=" + code + "\n",
                "#cloud-config\r\ntallystick-join-code: " + code + "\r\npackages: []\r\n",
                "// tallystick-join-code = " + code,
                "tallystick-join-code=jc-mistyped\ntallystick-join-code=" + code)) {
            assertEquals(Optional.of(id), JoinCode.inUserData(userData).map(JoinCode::id), userData);
        }
        for (String userData : List.of(
                "",
                code,
                "tallystick-join-code=",
                "my-tallystick-join-code=" + code,
                "tallystick-join-code=" + code + ".")) {
            assertEquals(Optional.empty(), JoinCode.inUserData(userData).map(JoinCode::id), userData);
        }
    }
}
