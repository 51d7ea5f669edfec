package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The main job: metadata, enrollment, lease, usage, batch, receipt. */
class StoryTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void usageOfAnEntitledInstanceArrivesExactly() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            Rig.Reply allowed = agent.get("/v1/entitlement?wait=20s&nonce=abc");
            assertEquals("allow", allowed.text("decision"));
            assertEquals("ENTITLED", allowed.text("state"));
            assertEquals(Rig.CODE, allowed.text("product"));

            assertEquals(200, agent.meter("requests", "1.5").status());
            Rig.Reply array = agent.post(
                    "/v1/usage",
                    List.of(
                            Json.object("dimension", "requests", "quantity", "2", "idempotencyKey", "k1"),
                            Json.object(
                                    "dimension",
                                    "requests",
                                    "quantity",
                                    "3",
                                    "allocations",
                                    List.of(
                                            Json.object("quantity", "1", "tags", Map.of("team", "a")),
                                            Json.object("quantity", "2")))));
            assertEquals(200, array.status());
            assertEquals(2L, array.json().get("accepted"));
            agent.drained();
            assertEquals(Quantity.parse("6.5"), rig.aggregator.total("requests"));
            assertTrue(rig.aggregator.sums().entrySet().stream()
                    .anyMatch(e ->
                            e.getKey().tags().equals("{team=a}") && e.getValue().equals(Quantity.ONE)));
        }
    }
}
