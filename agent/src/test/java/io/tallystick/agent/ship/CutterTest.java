package io.tallystick.agent.ship;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.AgentKey;
import io.tallystick.agent.store.StateFolder;
import io.tallystick.agent.store.Store;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Batch;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was pending is in the batches, to the last unit. */
class CutterTest {
    private static final Instant NOW = Instant.parse("2026-03-01T10:20:00Z");
    private static final int KEYS_OF_TWO_RUNS = 1_499;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static final class Still implements TimeSource {
        @Override
        public Instant wall() {
            return NOW;
        }

        @Override
        public long bootMillis() {
            return 0;
        }

        @Override
        public String bootId() {
            return "boot";
        }
    }

    @Test
    void aKeyOfTwoRunsAcrossTheLimitOfOneBatchLosesNothing() throws Exception {
        TimeSource source = new Still();
        TrustedTime time = new TrustedTime(source);
        time.answered(NOW, 0);
        Cutter cutter = new Cutter(time, source, "https://aggregator.example");
        EnrollmentId id = EnrollmentId.of("aws", "123456789012", "i-0123456789abcdef0");
        try (StateFolder folder = StateFolder.open(dir.resolve("state"));
                Store store = new Store(folder, "b", 64, cause -> {})) {
            AgentKey key = store.call(AgentKey::loadOrMake);
            String row = "INSERT INTO pending (run, product, dimension, boot, bucket, tags, quantity)"
                    + " VALUES (?, '', 'requests', '', ?, ?, '1')";
            long hour = Instant.parse("2026-03-01T09:00:00Z").getEpochSecond();
            store.call(tx -> {
                // An odd number of rows first, so that an even limit falls between two runs of one key.
                tx.change(row, "a", hour - 3_600, "");
                for (int i = 0; i < KEYS_OF_TWO_RUNS; i++) {
                    String tags = "{\"k\":\"" + i + "\"}";
                    tx.change(row, "a", hour, tags);
                    tx.change(row, "b", hour, tags);
                }
                return true;
            });
            int batches = 0;
            while (store.call(tx -> cutter.cut(tx, key, id, Cutter.Terms.NONE, false))) {
                batches++;
            }
            assertEquals(2, batches);
            List<String> cut = store.call(tx -> tx.list("SELECT jws FROM batch", r -> r.getString(1)));
            Quantity total = Quantity.ZERO;
            for (String jws : cut) {
                Batch batch = Batch.parse(Jws.parseCompact(jws, Typ.BATCH).payload());
                for (Quantity q : Packer.sums(batch.records()).values()) {
                    total = total.plus(q);
                }
            }
            assertEquals(Quantity.of(1 + 2 * KEYS_OF_TWO_RUNS), total);
        }
    }
}
