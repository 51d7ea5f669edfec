package io.tallystick.agent.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Quantity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a store gives up for want of room, in which order, and what it never does. {@code DiskFullTest} has a real disk. */
class StoreTest {
    private static final long MIB = 1024 * 1024;
    private static final int BATCH_BYTES = 100_000;
    private static final int ROW_BYTES = 300;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private final AtomicLong usable = new AtomicLong(100 * MIB);
    private int rows;

    /** Calls {@code work} with a store that may have 8 MiB, of which 4 are for essential work. */
    private void with(Check work) throws Exception {
        try (StateFolder folder = StateFolder.open(dir.resolve("state"), usable::get);
                Store store = new Store(folder, "run", 8, cause -> {})) {
            work.on(store);
        }
    }

    @FunctionalInterface
    private interface Check {
        void on(Store store) throws Exception;
    }

    private static int batch(Store store, int seq, boolean acked) {
        return store.call(tx -> tx.change(
                "INSERT INTO batch (epoch, seq, hash, prev, records, cut, acked, origin, jws)"
                        + " VALUES (1, ?, '', '', 1, 0, " + (acked ? "1" : "NULL") + ", 'own', ?)",
                seq,
                "j".repeat(BATCH_BYTES)));
    }

    private CompletableFuture<Integer> usage(Store store, int count) {
        int from = rows;
        rows += count;
        return store.usage(tx -> {
            for (int i = 0; i < count; i++) {
                String tags = "t".repeat(ROW_BYTES) + (from + i);
                tx.add(new SumKey("", "requests", "boot", 1, tags), Quantity.ONE);
            }
            return count;
        });
    }

    private static boolean full(CompletableFuture<Integer> call) {
        try {
            Store.join(call);
            return false;
        } catch (Failure e) {
            assertEquals(ErrorCode.STORAGE_FULL, e.code());
            return true;
        }
    }

    private static List<Long> numbers(Store store, String sql) {
        return store.call(tx -> tx.list(sql, r -> r.getLong(1)));
    }

    private long bytes(String name) throws Exception {
        return Files.size(dir.resolve("state").resolve(name));
    }

    @Test
    void aFileFullOfReceiptsGivesUpTheOldestAndTakesUsage() throws Exception {
        int receipts = 8_000;
        with(store -> {
            store.call(tx -> {
                for (int seq = 1; seq <= receipts; seq++) {
                    tx.change(
                            "INSERT INTO receipt (epoch, seq, received, jws) VALUES (1, ?, 0, ?)",
                            seq,
                            "r".repeat(700));
                }
                return receipts;
            });
            assertTrue(bytes("agent.db") > 4 * MIB, "more than usage may fill");
            int taken = 0;
            while (!full(usage(store, 100))) {
                taken += 100;
            }
            assertTrue(taken > 0, "evidence is in the way of usage for ever");
            List<Long> kept = numbers(store, "SELECT seq FROM receipt ORDER BY seq");
            assertTrue(kept.size() >= Store.RECEIPTS_LEAST, "" + kept.size());
            assertEquals(receipts, kept.get(kept.size() - 1));
            assertEquals(receipts - kept.size() + 1L, kept.get(0), "the oldest go first");
            assertEquals(List.of((long) taken), numbers(store, "SELECT count(*) FROM pending"));
        });
    }

    @Test
    void onALowDiskUsageTakesThePagesOfTheOldestAcknowledgedBatchesAndNoMore() throws Exception {
        with(store -> {
            for (int seq = 1; seq <= 30; seq++) {
                batch(store, seq, seq <= 20);
            }
            usable.set(Store.LEFT_BY_USAGE_BYTES);
            long before = numbers(store, "PRAGMA page_count").get(0);
            int taken = 0;
            while (!full(usage(store, 100))) {
                taken += 100;
            }
            assertTrue(taken > 20 * BATCH_BYTES / ROW_BYTES / 2, taken + " rows");
            assertEquals(before, numbers(store, "PRAGMA page_count").get(0), "the file leaves the disk to the log");
            assertEquals(
                    List.of(21L, 22L, 23L, 24L, 25L, 26L, 27L, 28L, 29L, 30L),
                    numbers(store, "SELECT seq FROM batch ORDER BY seq"),
                    "nothing unsent is given up");
            // What was taken can still leave: essential work has more of the disk.
            assertEquals(1, batch(store, 31, false));
            usable.set(100 * MIB);
            assertFalse(full(usage(store, 100)), "there is room again");
            assertEquals(List.of(taken + 100L), numbers(store, "SELECT count(*) FROM pending"));
        });
    }

    /** A state that was rolled back: what another timeline sent is needed until it is compared. */
    @Test
    void whatIsFetchedFindsRoomInAFileFullOfAcknowledgedBatchesAndIsNotGivenUp() throws Exception {
        with(store -> {
            int own = (int) (8 * MIB / BATCH_BYTES);
            for (int seq = 1; seq <= own; seq++) {
                batch(store, seq, true);
            }
            store.call(tx -> tx.change("INSERT INTO meta (k, v) VALUES ('resume', 'fetching')"));
            for (int seq = 1; seq <= 10; seq++) {
                int fetched = own + seq;
                assertEquals(1, batch(store, fetched, true));
                store.call(tx -> tx.change("UPDATE batch SET origin = 'fetched' WHERE seq = ?", fetched));
            }
            assertEquals(List.of(10L), numbers(store, "SELECT count(*) FROM batch WHERE origin = 'fetched'"));
        });
    }

    @Test
    void aLogWithoutRoomIsNoReasonToGiveUpMore() throws Exception {
        with(store -> {
            for (int seq = 1; seq <= 30; seq++) {
                batch(store, seq, true);
            }
            // Free pages enough for a full log.
            store.call(tx -> tx.change("DELETE FROM batch WHERE seq <= 15"));
            usable.set(0);
            assertTrue(full(usage(store, 10_000)));
            assertEquals(15, numbers(store, "SELECT seq FROM batch").size());
        });
    }

    @Test
    void withoutBallastUsageLeavesTheRestOfTheDiskToEssentialWork() throws Exception {
        usable.set(StateFolder.SPARE_BYTES - 1);
        with(store -> {
            assertFalse(Files.exists(dir.resolve("state/ballast")));
            assertEquals(1, batch(store, 1, false));
            assertTrue(full(usage(store, 1)));
            assertEquals(1, store.fullCount());
            usable.set(100 * MIB);
            assertFalse(full(usage(store, 1)), "there is room again");
        });
        with(store -> assertEquals(MIB, bytes("ballast")));
    }

    @Test
    void aFileThatTookTheBallastsPlaceGivesItBack() throws Exception {
        usable.set(MIB);
        with(store -> {
            for (int seq = 1; seq <= 30; seq++) {
                batch(store, seq, true);
            }
            store.call(tx -> tx.change("DELETE FROM batch"));
            long before = numbers(store, "PRAGMA page_count").get(0);
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (numbers(store, "PRAGMA page_count").get(0) == before) {
                assertTrue(System.nanoTime() - end < 0, before + " pages for ever");
                LockSupport.parkNanos(20_000_000);
            }
        });
    }

    @Test
    void theLogDoesNotKeepMoreOfTheDiskThanItNeeds() throws Exception {
        with(store -> {
            assertFalse(full(usage(store, 5_000)));
            assertTrue(bytes("agent.db-wal") > MIB, "a large call");
            for (int i = 0; i < 3; i++) {
                assertFalse(full(usage(store, 1)));
            }
            assertTrue(bytes("agent.db-wal") <= MIB + 64 * 1024, bytes("agent.db-wal") + " bytes");
        });
    }

    @Test
    void aCallTooLargeForWhatIsLeftDoesNotHaveItsNeighboursRefused() throws Exception {
        with(store -> {
            CountDownLatch busy = new CountDownLatch(1);
            CompletableFuture<Integer> first = store.essential(tx -> {
                try {
                    busy.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                return 0;
            });
            List<CompletableFuture<Integer>> group =
                    List.of(usage(store, 10), usage(store, 100_000), usage(store, 10), usage(store, 10));
            busy.countDown();
            Store.join(first);
            assertFalse(full(group.get(0)));
            assertThrows(Failure.class, () -> Store.join(group.get(1)));
            assertFalse(full(group.get(2)));
            assertFalse(full(group.get(3)));
            assertEquals(List.of(30L), numbers(store, "SELECT count(*) FROM pending"));
        });
    }
}
