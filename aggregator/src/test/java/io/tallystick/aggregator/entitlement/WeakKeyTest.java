package io.tallystick.aggregator.entitlement;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Wire;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys under which anybody's signature verifies, and second forms of signatures, at the aggregator's door. */
class WeakKeyTest {
    private static final BigInteger GROUP_ORDER =
            BigInteger.TWO.pow(252).add(new BigInteger("27742317777372353535851937790883648493"));

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    /** The points whose order divides 8, and encodings of y at or above the field's prime. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "0100000000000000000000000000000000000000000000000000000000000000",
                "0000000000000000000000000000000000000000000000000000000000000000",
                "0000000000000000000000000000000000000000000000000000000000000080",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "0100000000000000000000000000000000000000000000000000000000000080",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
            })
    void aTorsionOrNonCanonicalKeyCannotEnroll(String key) {
        String header = Json.write(Json.object(
                "alg",
                "EdDSA",
                "typ",
                "enroll+jws",
                "url",
                ProtocolClient.ISSUER + Wire.ENROLLMENTS_PATH,
                "jwk",
                Json.object(
                        "kty",
                        "OKP",
                        "crv",
                        "Ed25519",
                        "x",
                        Base64Url.encode(HexFormat.of().parseHex(key))),
                "iat",
                RUNNING.clock().instant().getEpochSecond()));
        // R the neutral point and S zero: verifies any message under a key of low order.
        byte[] signature = new byte[64];
        signature[0] = 1;
        Http.Answer answer = agent().send(
                        Wire.ENROLLMENTS_PATH,
                        envelope(Base64Url.encode(bytes(header)), Base64Url.encode(bytes("{}")), signature));
        assertEquals(400, answer.status(), answer.text());
        assertEquals("invalid-jws", answer.get("code"));
    }

    @Test
    void aSecondFormOfAGenuineSignatureIsRefused() {
        ContestedVm shop = ContestedVm.of(RUNNING);
        ProtocolClient agent = shop.agent();
        agent.enroll();
        Jws batch = agent.sign();
        String[] parts = batch.compact().split("\\.", 3);
        byte[] signature = Base64Url.decode(parts[2]);
        byte[] s = new byte[33];
        for (int i = 0; i < 32; i++) {
            s[32 - i] = signature[32 + i];
        }
        byte[] second = new BigInteger(s).add(GROUP_ORDER).toByteArray();
        byte[] forged = signature.clone();
        for (int i = 0; i < 32; i++) {
            forged[32 + i] = i < second.length ? second[second.length - 1 - i] : 0;
        }
        String path = Wire.batchesPath(agent.id().toString());
        assertEquals(400, agent.send(path, envelope(parts[0], parts[1], forged)).status());
        assertEquals(200, agent.trySend(batch).status());
    }

    private static ProtocolClient agent() {
        return ContestedVm.of(RUNNING).agent();
    }

    private static byte[] envelope(String header, String payload, byte[] signature) {
        return bytes(Json.write(
                Json.object("protected", header, "payload", payload, "signature", Base64Url.encode(signature))));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
