package io.tallystick.aggregator.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.billing.Market;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.json.Json;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What would this hit? */
class ImpactTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static Map<String, Object> impact(String path) {
        return RUNNING.http().get(path, RUNNING.operator()).expect(200).json();
    }

    @Test
    void aRestrictionIsShownWhatItWouldTouchBeforeItIsAskedFor() {
        Market market = new Market(RUNNING, "requests");
        market.accept(market.offer("EUR", "'prices':[{'dimension':'requests','unitPrice':'0.50'}]"));
        ProtocolClient agent = market.agent();
        agent.send(market.usage("requests", "7"));
        market.pass(Duration.ofHours(8));
        String image = "ami-0123456789abcdef0";
        for (List<String> version :
                List.of(List.of("ver-impact-a", image), List.of("ver-impact-b", "ami-0000000000000aaa"))) {
            RUNNING.database()
                    .execute("INSERT INTO product_version (id, product_id, title, release_notes, cloud, region,"
                            + " source_image_id, source_image_name, status, created_at, modified_at,"
                            + " published_at) VALUES ('" + version.get(0) + "', '" + market.product + "', '"
                            + version.get(0)
                            + "', 'n', 'aws', 'r', 'ami-s', 'name', 'published', now(), now(), now())");
            RUNNING.copied(
                    version.get(0), "r", "ami-00000000000000ee" + version.get(1).charAt(5));
            RUNNING.copied(version.get(0), "r2", version.get(1));
        }
        String running = "[{\"cloud\":\"aws\",\"region\":\"eu-west-3\",\"instances\":1}]";
        for (String path : List.of("/v1/products/" + market.product, "/v1/versions/ver-impact-a")) {
            Map<String, Object> hit = impact(path + "/impact");
            assertEquals(1L, ((Number) hit.get("instances")).longValue(), path);
            assertEquals(running, Json.write(hit.get("instancesByRegion")), path);
            assertEquals(1L, ((Number) hit.get("agreements")).longValue(), path);
            assertEquals("[{\"currency\":\"EUR\",\"amount\":\"3.5\"}]", Json.write(hit.get("revenue")), path);
        }
        Map<String, Object> other = impact("/v1/versions/ver-impact-b/impact");
        assertEquals(0L, ((Number) other.get("instances")).longValue());
        assertEquals(0L, ((Number) other.get("agreements")).longValue());
        assertEquals(List.of(), other.get("revenue"));
        // Nobody was heard of for a day, and what was charged is more than thirty days ago.
        RUNNING.clock().advance(Duration.ofDays(31));
        Map<String, Object> later = impact("/v1/products/" + market.product + "/impact");
        assertEquals(0L, ((Number) later.get("instances")).longValue());
        assertEquals(List.of(), later.get("revenue"));
        assertEquals(1L, ((Number) later.get("agreements")).longValue());
    }
}
