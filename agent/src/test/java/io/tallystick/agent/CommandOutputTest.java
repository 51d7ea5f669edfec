package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.app.Main;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Batch;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the commands print, for people and for scripts. */
class CommandOutputTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    /** Exit code and both outputs. */
    record Ran(int exit, String out, String err) {
        static Ran of(String... args) {
            StringWriter out = new StringWriter();
            StringWriter err = new StringWriter();
            int exit = Main.execute(new PrintWriter(out), new PrintWriter(err), args);
            return new Ran(exit, out.toString(), err.toString());
        }

        Map<String, Object> json() {
            return Json.parseObject(out.getBytes(StandardCharsets.UTF_8));
        }
    }

    private Path keys(Rig rig) throws Exception {
        String x = Base64Url.encode(rig.aggregator.jwk().bytes());
        String kid = rig.aggregator.jwk().thumbprint().toString();
        return Files.writeString(
                dir.resolve("keys.json"),
                Json.write(
                        Json.object("keys", List.of(Json.object("kty", "OKP", "crv", "Ed25519", "kid", kid, "x", x)))));
    }

    @Test
    void verifyProvesWhatItSaysWhereTheIssuerIsPinned() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            String url = agent.agent.endpoint();
            String keys = keys(rig).toString();
            String[] pinned = {
                "verify", "--url", url, "--wait", "20s", "--issuer", rig.aggregator.url(), "--issuer-keys", keys
            };
            Ran allowed = Ran.of(pinned);
            assertEquals(0, allowed.exit(), allowed::err);
            assertTrue(allowed.out().startsWith("allow (ENTITLED), verified"), allowed::out);
            assertEquals(
                    3,
                    Ran.of("verify", "--url", url, "--issuer", "https://other.example", "--issuer-keys", keys)
                            .exit());
            assertEquals(
                    "allow",
                    Ran.of("verify", "--url", url, "--output", "json").json().get("decision"));
            Ran denied = Ran.of("verify", "--url", url, "--product", "other", "--output", "json");
            assertEquals("unknown-product", denied.json().get("code"));
        }
        try (ScriptedAgent fake = new ScriptedAgent()) {
            String lease = fake.lease(fake.issuer, "k1", ScriptedAgent.NOW);
            fake.script(r -> new ScriptedAgent.Answer(
                    200,
                    ScriptedAgent.allow(lease, ScriptedAgent.proof(fake.thief, r.nonce(), lease, ScriptedAgent.NOW))));
            String keys =
                    Files.writeString(dir.resolve("fake.json"), fake.keySet()).toString();
            Ran stolen = Ran.of(
                    "verify",
                    "--url",
                    fake.url(),
                    "--issuer",
                    ScriptedAgent.ISSUER,
                    "--issuer-keys",
                    keys,
                    "--output",
                    "json");
            assertEquals(3, stolen.exit(), stolen::err);
            assertEquals("not-proved", stolen.json().get("code"));
            fake.script(r -> fake.allowed(r.nonce()));
            assertEquals(
                    0,
                    Ran.of("verify", "--url", fake.url(), "--issuer", ScriptedAgent.ISSUER, "--issuer-keys", keys)
                            .exit());
        }
    }

    @Test
    void failuresAreJsonTooWhereJsonIsAskedFor() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            String url = agent.agent.endpoint();
            Ran kept = Ran.of("meter", "--dimension", "requests", "--quantity", "2", "--url", url, "--output", "json");
            assertEquals(Map.of("accepted", 1L), kept.json());
            Ran refused =
                    Ran.of("meter", "--dimension", "nonsense", "--quantity", "2", "--url", url, "--output", "json");
            assertEquals(1, refused.exit());
            assertEquals("unknown-dimension", refused.json().get("code"));
            assertEquals("", refused.err());
            Ran text = Ran.of("meter", "--dimension", "nonsense", "--quantity", "2", "--url", url);
            assertTrue(text.err().startsWith("refused: unknown-dimension: "), text::err);
            assertEquals("", text.out());
            assertEquals(
                    "ENTITLED",
                    Ran.of("status", "--url", url, "--output", "json").json().get("state"));
            agent.close();
            for (String command : List.of("verify", "status", "show-sent")) {
                Ran away = Ran.of(command, "--url", url, "--output", "json");
                assertEquals(2, away.exit(), command);
                assertEquals("unreachable", away.json().get("code"), command);
            }
        }
    }

    @Test
    void showSentShowsWhatLeftTheVmAsItWasSigned() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.dimension("words", Optional.empty());
            rig.aggregator.refuse("words");
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            String url = agent.agent.endpoint();
            for (int i = 1; i <= 3; i++) {
                Ran.of("meter", "--dimension", "requests", "--quantity", "4." + i, "--tag", "team=a", "--url", url);
                agent.drained();
            }
            Ran.of("meter", "--dimension", "words", "--quantity", "7", "--url", url);
            agent.drained();

            Ran all = Ran.of("show-sent", "--url", url, "--limit", "1000", "--output", "json");
            assertEquals(0, all.exit(), all::err);
            List<?> batches = (List<?>) all.json().get("batches");
            assertEquals(rig.aggregator.batchCount(), batches.size());
            java.math.BigDecimal sum = java.math.BigDecimal.ZERO;
            long before = Long.MAX_VALUE;
            for (Object each : batches) {
                Map<?, ?> m = (Map<?, ?>) each;
                long seq = Rig.at(m, "seq", Long.class);
                assertTrue(seq < before, "newest first");
                before = seq;
                Jws jws = Jws.parseCompact(Rig.at(m, "jws", String.class), Typ.BATCH);
                Map<?, ?> receipt = Rig.at(m, "receipt", Map.class);
                assertEquals(jws.hash().toString(), receipt.get("sha256"));
                Jws.parseCompact(Rig.at(receipt, "jws", String.class), Typ.RECEIPT)
                        .verified(rig.aggregator.jwk(), Ed25519.JDK);
                for (var r : Batch.parse(jws.payload()).records()) {
                    if (r.dimension().equals("requests")) {
                        sum = sum.add(r.quantity().value());
                    }
                }
            }
            assertEquals(rig.aggregator.total("requests").value(), sum);

            Ran text = Ran.of("show-sent", "--url", url, "--limit", "1000");
            assertTrue(text.out().contains("  requests 4.1 in the hour "), text::out);
            assertTrue(text.out().contains("4.1 {team=a}"), text::out);
            assertTrue(text.out().contains("  not added up: record 0, "), text::out);
            assertFalse(text.out().contains("NOT RECEIVED"), text::out);
            List<?> one = (List<?>) Ran.of("show-sent", "--url", url, "--limit", "1", "--output", "json")
                    .json()
                    .get("batches");
            assertEquals(1, one.size());

            // Pages join without a gap or a repeat.
            Map<String, Object> first = agent.get("/v1/sent?limit=2").json();
            Map<?, ?> second =
                    agent.get("/v1/sent?limit=2&before=" + first.get("next")).json();
            Map<?, ?> third = (Map<?, ?>) Rig.at(second, "batches", List.class).get(0);
            assertEquals(((Map<?, ?>) batches.get(2)).get("seq"), third.get("seq"));
            assertEquals(400, agent.get("/v1/sent?limit=0").status());
            assertEquals(400, agent.get("/v1/sent?limit=51").status());
            assertEquals(400, agent.get("/v1/sent?before=x").status());

            rig.aggregator.away(true);
            Ran.of("meter", "--dimension", "requests", "--quantity", "1", "--url", url);
            Rig.until("a batch that waits", () -> Ran.of("show-sent", "--url", url, "--limit", "1")
                    .out()
                    .contains("NOT RECEIVED YET"));
        }
    }
}
