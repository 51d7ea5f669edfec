package io.tallystick.agent.app;

import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.HexFormat;

/**
 * Loads what a start needs last, signatures above all, while it does what comes first: reading its settings and opening its
 * state. Nothing depends on it but the time of the first answer.
 */
final class WarmUp {
    /** Test 1 of RFC 8032 section 7.1: a key, and its signature of the empty message. */
    private static final String KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    private static final String SIGNATURE = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f"
            + "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

    private WarmUp() {}

    /** On a thread of its own, as soon as the process has one. */
    static void begin() {
        Thread thread = new Thread(WarmUp::run, "warm-up");
        thread.setDaemon(true);
        thread.start();
    }

    /** Whether all of it worked as it should. */
    static boolean run() {
        new SecureRandom().nextBytes(new byte[1]);
        HexFormat hex = HexFormat.of();
        boolean verified = Ed25519.JDK.verify(hex.parseHex(KEY), new byte[0], hex.parseHex(SIGNATURE));
        Instant time = Fields.parseInstant(String.valueOf(
                Json.parseObject("{\"time\":\"2020-01-01T00:00:00Z\"}").get("time")));
        return verified && Json.writeBytes(Json.object("time", time)).length > 0;
    }
}
