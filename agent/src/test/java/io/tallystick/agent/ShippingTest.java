package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.store.StateFolder;
import io.tallystick.agent.store.Store;
import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringRecord;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Delivered exactly once in effect, whatever the network and the other side do. */
class ShippingTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void lostResponsesDoubleNothing() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            rig.aggregator.dropResponses(2);
            for (int i = 0; i < 20; i++) {
                assertEquals(200, agent.meter("requests", "0.1").status());
            }
            agent.drained();
            assertEquals(Quantity.parse("2"), rig.aggregator.total("requests"));
            assertTrue(rig.aggregator.duplicates() > 0, "no response was lost");
        }
    }

    @Test
    void statusTellsSinceWhenNothingIsLeftInMemory() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.flush(Duration.ofHours(2));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Rig.until("the first flush", () -> flushedAt(agent).isPresent());
            Instant first = flushedAt(agent).orElseThrow();
            agent.meter("requests", "1");
            assertEquals(Optional.of(first), flushedAt(agent));
            rig.time.advance(Duration.ofHours(2));
            Instant moved = rig.time.instant();
            Rig.until("the next", () -> !flushedAt(agent).orElseThrow().isBefore(moved.minusSeconds(1)));
            Object pending = Rig.at(agent.status(), "queue", Map.class).get("pendingSums");
            assertEquals(0L, pending);
        }
    }

    private static Optional<Instant> flushedAt(Rig.Running agent) throws Exception {
        return Optional.ofNullable(Rig.at(agent.status(), "queue", Map.class).get("flushedAt"))
                .map(at -> Instant.parse(String.valueOf(at)));
    }

    @Test
    void anAggregatorRestoredFromABackupGetsTheLostBatchesAgain() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            for (int i = 1; i <= 4; i++) {
                agent.meter("requests", "1");
                agent.drained();
            }
            int before = rig.aggregator.batchCount();
            rig.aggregator.restoreTo(1);
            agent.meter("requests", "1");
            Rig.until("all batches again", () -> rig.aggregator.batchCount() > before);
            agent.drained();
            assertEquals(Quantity.of(5), rig.aggregator.total("requests"));
        }
    }

    @Test
    void anAggregatorRestoredWithoutTheKeyOfItsReceiptsLosesNothingAndGivesNewOnes() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            Rig.Running agent = rig.agent(vm, dir.resolve("state"));
            agent.untilState("ENTITLED");
            for (int i = 1; i <= 4; i++) {
                agent.meter("requests", "1");
                agent.drained();
            }
            String leased = agent.get("/v1/entitlement").text("lease");
            int before = rig.aggregator.batchCount();
            String kid = rig.aggregator.loseKey();
            rig.aggregator.restoreTo(1);
            // The lease it has is honoured still: its key is kept beside it.
            assertEquals(leased, agent.get("/v1/entitlement").text("lease"));
            agent.meter("requests", "1");
            Rig.until("all batches again", () -> rig.aggregator.batchCount() > before);
            agent.drained();
            assertEquals(Quantity.of(5), rig.aggregator.total("requests"));
            agent.close();
            List<String> kids = receiptKeys(dir.resolve("state"));
            assertEquals(1, kids.stream().filter(k -> !k.equals(kid)).count(), "only the batch that was kept: " + kids);
            Rig.Running again = rig.agent(vm, dir.resolve("state"));
            again.untilState("ENTITLED");
            again.meter("requests", "1");
            again.drained();
            assertEquals(Quantity.of(6), rig.aggregator.total("requests"));
        }
    }

    private static List<String> receiptKeys(Path state) throws SQLException {
        try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + state.resolve("agent.db"));
                Statement query = db.createStatement();
                ResultSet rows = query.executeQuery("SELECT jws FROM receipt ORDER BY epoch, seq")) {
            List<String> kids = new ArrayList<>();
            while (rows.next()) {
                kids.add(String.valueOf(Jws.parseCompact(rows.getString(1), Typ.RECEIPT)
                        .header()
                        .kid()));
            }
            return kids;
        }
    }

    @Test
    void anAgentWhoseBatchesArePrunedHoldsAndABetterRestoreHealsIt() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.leaseLength(Duration.ofDays(30));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            for (int i = 1; i <= 3; i++) {
                agent.meter("requests", "1");
                agent.drained();
            }
            int before = rig.aggregator.batchCount();
            rig.time.advance(Duration.ofDays(8));
            Rig.until("the hour's batch", () -> rig.aggregator.batchCount() > before);
            agent.drained();
            Runnable better = rig.aggregator.backup();
            rig.aggregator.restoreTo(1);
            assertEquals(200, agent.meter("requests", "1").status());
            Rig.until("the hold", () -> holds(agent));
            for (int i = 0; i < 2; i++) {
                int asked = rig.aggregator.leaseRequests();
                // Bit by bit: the wait begins when the agent has seen the answer, not when it was given.
                Rig.until("a question", () -> {
                    rig.time.advance(Duration.ofMinutes(1));
                    return rig.aggregator.leaseRequests() > asked;
                });
                assertTrue(holds(agent), "the reason stays in status");
            }
            assertEquals(Quantity.ONE, rig.aggregator.total("requests"));
            better.run();
            Rig.until("everything", () -> {
                rig.time.advance(Duration.ofMinutes(1));
                return rig.aggregator.total("requests").equals(Quantity.of(4));
            });
            Rig.until("no hold", () -> !holds(agent));
        }
    }

    @Test
    void behindBatchesThatNobodyHasAnyMoreItGoesOnWithTheReceiptOfTheLast() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.leaseLength(Duration.ofDays(30));
            rig.aggregator.goOnBehindLost();
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            for (int i = 1; i <= 3; i++) {
                agent.meter("requests", "1");
                agent.drained();
            }
            int before = rig.aggregator.batchCount();
            // The first three are pruned when the next is cut, which stays.
            rig.time.advance(Duration.ofDays(8));
            Rig.until("the hour's batch", () -> rig.aggregator.batchCount() > before);
            agent.drained();
            agent.meter("requests", "10");
            agent.drained();
            rig.aggregator.restoreTo(1);
            agent.meter("requests", "100");
            Rig.until("what is kept, and what is new", () -> {
                rig.time.advance(Duration.ofMinutes(1));
                return rig.aggregator.total("requests").equals(Quantity.of(111));
            });
            Rig.until("no hold", () -> !holds(agent));
        }
    }

    private static boolean holds(Rig.Running agent) throws Exception {
        return String.valueOf(Rig.at(agent.status(), "queue", Map.class).get("held"))
                .contains("no longer kept here");
    }

    @Test
    void leasesAreRenewedWhileShippingFails() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            Path state = dir.resolve("state");
            Rig.Running agent = rig.agent(vm, state);
            agent.untilState("ENTITLED");
            agent.close();
            try (StateFolder folder = StateFolder.open(state);
                    Store store = new Store(folder, "garbling", 64, cause -> {})) {
                store.call(tx -> {
                    // Half of what a catching up writes: it cannot be read, whatever is tried.
                    tx.meta("resume", "fetching");
                    return true;
                });
            }
            Rig.Running again = rig.agent(vm, state);
            again.untilState("ENTITLED");
            int asked = rig.aggregator.leaseRequests();
            rig.time.advance(Duration.ofHours(13));
            Rig.until("a renewal", () -> rig.aggregator.leaseRequests() > asked);
        }
    }

    @Test
    void aVmDeniedForStalledMeteringShowsAtOnceThatItsBatchesArrive() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.leaseLength(Duration.ofMinutes(2));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            agent.drained();
            int sent = rig.aggregator.batchCount();
            rig.aggregator.stall(true);
            int asked = rig.aggregator.leaseRequests();
            // Half the lease, which is not the end of an hour: nothing else makes a batch.
            rig.time.advance(Duration.ofMinutes(1));
            Rig.until("the renewal and the one after the batch", () -> rig.aggregator.leaseRequests() >= asked + 2);
            agent.untilState("ENTITLED");
            assertEquals(sent + 1, rig.aggregator.batchCount());
        }
    }

    @Test
    void anAggregatorThatStaysWithStalledMeteringIsNotFloodedWithEmptyBatches() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.leaseLength(Duration.ofMinutes(2));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            agent.drained();
            int sent = rig.aggregator.batchCount();
            rig.aggregator.stall(false);
            int asked = rig.aggregator.leaseRequests();
            Instant began = rig.time.instant();
            Rig.until("twenty renewals", () -> {
                // In small steps: one that falls into an exchange only moves what that exchange makes due.
                rig.time.advance(Duration.ofSeconds(5));
                return rig.aggregator.leaseRequests() >= asked + 20;
            });
            agent.untilState("DENIED");
            long proofs = rig.aggregator.batchCount() - sent;
            long minutes = Duration.between(began, rig.time.instant()).toMinutes();
            // The first at once and then each five minutes; one more where an hour ended.
            assertTrue(proofs >= 2 && proofs <= minutes / 5 + 2, proofs + " batches in " + minutes + " minutes");
        }
    }

    @Test
    void oneRefusedRecordIsQuarantinedAndDelaysNoOther() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.dimension("odd", Optional.empty());
            rig.aggregator.refuse("odd");
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            agent.post(
                    "/v1/usage",
                    List.of(
                            Json.object("dimension", "requests", "quantity", "4"),
                            Json.object("dimension", "odd", "quantity", "9")));
            agent.drained();
            assertEquals(Quantity.of(4), rig.aggregator.total("requests"));
            assertEquals(Quantity.ZERO, rig.aggregator.total("odd"));
            Map<?, ?> quarantine = Rig.at(agent.status(), "quarantine", Map.class);
            assertEquals(1L, quarantine.get("count"));
            Map<?, ?> record =
                    (Map<?, ?>) Rig.at(quarantine, "records", List.class).get(0);
            assertEquals("unknown-dimension", record.get("code"));
            assertEquals("odd", Rig.at(record, "record", Map.class).get("dimension"));
        }
    }

    @Test
    void aSumAboveThePlansMaximumIsSplitIntoRecordsBelowIt() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.dimension("small", Optional.of(Quantity.of(10)));
            rig.aggregator.flush(Duration.ofHours(1));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            assertEquals(400, agent.meter("small", "10.5").status());
            for (int i = 0; i < 4; i++) {
                assertEquals(200, agent.meter("small", "9").status());
            }
            agent.close();
            assertEquals(Quantity.of(36), rig.aggregator.total("small"));
        }
    }

    @Test
    void aBacklogOfWeeksArrivesInOrderAndInItsHours() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.leaseLength(Duration.ofDays(30));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            agent.drained();
            rig.aggregator.away(true);
            for (int day = 0; day < 14; day++) {
                assertEquals(200, agent.meter("requests", "2").status());
                rig.time.advance(Duration.ofDays(1));
            }
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(2));
            Rig.until("all of it", () -> rig.aggregator.total("requests").equals(Quantity.of(28)));
            assertEquals(14, rig.aggregator.sums().size(), "each day's hour by itself");
            List<Long> numbers = new ArrayList<>();
            rig.aggregator.batches().stream().map(Batch::seq).forEach(numbers::add);
            assertEquals(numbers.stream().sorted().toList(), numbers);
        }
    }

    @Test
    void everyHourHasABatchEvenWithoutUsage() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.flush(Duration.ofMinutes(15));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            int before = rig.aggregator.batchCount();
            rig.time.advance(Duration.ofHours(1));
            Rig.until("an empty batch", () -> rig.aggregator.batchCount() == before + 1);
            rig.time.advance(Duration.ofDays(3));
            Rig.until("one more after a jump", () -> rig.aggregator.batchCount() > before + 1);
            agent.drained();
            assertEquals(before + 2, rig.aggregator.batchCount(), "a jump must not make a storm");
            for (Batch b : rig.aggregator.batches()) {
                assertEquals(List.<MeteringRecord>of(), b.records());
            }
        }
    }
}
