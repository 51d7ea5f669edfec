package io.tallystick.aggregator.db;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Quantity;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseTest {
    @RegisterExtension
    static final TestDatabase DB = TestDatabase.empty();

    private static final Vertx VERTX = Vertx.vertx();
    private static Database database = Database.open(VERTX, DatabaseUrl.parse("postgresql://u@h/d"), 1);

    @BeforeAll
    static void open() {
        DB.execute("CREATE TABLE thing (id int CONSTRAINT thing_pk PRIMARY KEY, n numeric(38,9), at timestamptz,"
                + " parent int CONSTRAINT thing_parent_fk REFERENCES thing (id))");
        database = Database.open(VERTX, DatabaseUrl.parse(DB.url()), TestDatabase.POOL_SIZE);
    }

    @AfterAll
    static void close() throws Exception {
        database.close().await(10, TimeUnit.SECONDS);
        VERTX.close().await(10, TimeUnit.SECONDS);
    }

    private static <T> T await(Future<T> future) {
        try {
            return future.await(20, TimeUnit.SECONDS);
        } catch (java.util.concurrent.TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    private static Throwable failure(Future<?> future) {
        Throwable[] cause = new Throwable[1];
        await(future.<Object>mapEmpty().recover(e -> {
            cause[0] = e;
            return Future.succeededFuture();
        }));
        assertTrue(cause[0] != null, "should have failed");
        return cause[0];
    }

    private static Future<Void> sql(SqlClient db, String sql) {
        return db.query(sql).execute().mapEmpty();
    }

    private static long count(int id) {
        return await(database.reads()
                .preparedQuery("SELECT count(*) AS n FROM thing WHERE id = $1")
                .execute(Tuple.of(id))
                .map(rows -> rows.iterator().next().getLong("n")));
    }

    @Test
    void aFailedOrThrowingTransactionLeavesNothing() {
        RuntimeException thrown = new IllegalStateException("after the insert");
        assertSame(thrown, failure(database.transactor().inTx(tx -> sql(tx, "INSERT INTO thing (id) VALUES (1)")
                .compose(done -> Future.failedFuture(thrown)))));
        assertEquals(
                "now",
                failure(database.transactor().inTx(tx -> {
                            throw new IllegalStateException("now");
                        }))
                        .getMessage());
        assertEquals(0, count(1));
    }

    @Test
    void aBrokenConstraintIsAFailureThatNamesIt() {
        await(database.transactor().inTx(tx -> sql(tx, "INSERT INTO thing (id) VALUES (10)")));
        Failure unique = assertInstanceOf(
                Failure.class,
                failure(database.transactor().inTx(tx -> sql(tx, "INSERT INTO thing (id) VALUES (10)"))));
        assertEquals(ErrorCode.ALREADY_EXISTS, unique.code());
        assertTrue(unique.detail().contains("thing_pk"), unique.detail());
        Failure parent = assertInstanceOf(
                Failure.class,
                failure(database.transactor().inTx(tx -> sql(tx, "INSERT INTO thing (id, parent) VALUES (11, 99)"))));
        assertEquals(ErrorCode.CONFLICT, parent.code());
    }

    @Test
    void aDeadlockIsRetriedUntilBothAreThrough() {
        await(database.transactor().inTx(tx -> sql(tx, "INSERT INTO thing (id, n) VALUES (20, 0), (21, 0)")));
        AtomicInteger runs = new AtomicInteger();
        // Each waits, inside its first attempt, until the other holds its first row.
        io.vertx.core.Promise<Void> one = io.vertx.core.Promise.promise();
        io.vertx.core.Promise<Void> two = io.vertx.core.Promise.promise();
        Future<Void> first = database.transactor().inTx(tx -> both(tx, 20, 21, one, two.future(), runs));
        Future<Void> second = database.transactor().inTx(tx -> both(tx, 21, 20, two, one.future(), runs));
        await(Future.join(first, second));
        assertTrue(runs.get() >= 3, "one of them must have been retried");
        assertEquals(
                "2.000000000,2.000000000",
                await(database.reads()
                        .query("SELECT string_agg(n::text, ',') AS t FROM thing WHERE id IN (20, 21)")
                        .execute()
                        .map(rows -> rows.iterator().next().getString("t"))));
    }

    private static Future<Void> both(
            SqlConnection tx, int a, int b, io.vertx.core.Promise<Void> mine, Future<Void> others, AtomicInteger runs) {
        runs.incrementAndGet();
        return sql(tx, "UPDATE thing SET n = n + 1 WHERE id = " + a)
                .onSuccess(done -> mine.tryComplete())
                .compose(done -> others)
                .compose(done -> sql(tx, "UPDATE thing SET n = n + 1 WHERE id = " + b));
    }

    @Test
    void retriesAreBounded() {
        AtomicInteger runs = new AtomicInteger();
        Throwable last = failure(database.transactor().inTx(tx -> {
            runs.incrementAndGet();
            return sql(tx, "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$");
        }));
        assertEquals(Transactor.ATTEMPTS_MAX, runs.get());
        assertEquals(ErrorCode.UNAVAILABLE, PgErrors.code(last));
    }

    @Test
    void aStatementThatTakesTooLongIsOurProblemNotTheCallers() {
        Throwable cancelled = failure(database.transactor().inTx(tx -> sql(tx, "SET LOCAL statement_timeout = '50ms'")
                .compose(done -> sql(tx, "SELECT pg_sleep(5)"))));
        assertEquals(ErrorCode.UNAVAILABLE, PgErrors.code(cancelled));
    }

    @Test
    void aDatabaseThatIsAwayIsToldApartFromADefect() throws Exception {
        Database away = Database.open(VERTX, DatabaseUrl.parse("postgresql://u@127.0.0.1:1/d"), 1);
        assertEquals(ErrorCode.UNAVAILABLE, PgErrors.code(failure(sql(away.reads(), "SELECT 1"))));
        away.close().await(10, TimeUnit.SECONDS);
        assertEquals(ErrorCode.INTERNAL, PgErrors.code(failure(sql(database.reads(), "SELECT no_such_column"))));
        assertEquals(ErrorCode.INTERNAL, PgErrors.code(new IllegalStateException("x")));
    }

    @Test
    void aFullWaitingRoomIsOverload() {
        int more = TestDatabase.POOL_SIZE * (Database.WAITERS_PER_CONNECTION + 2);
        List<Future<Void>> all = new ArrayList<>();
        IntStream.range(0, more)
                .forEach(i -> all.add(database.transactor().inTx(tx -> sql(tx, "SELECT pg_sleep(0.05)"))));
        List<ErrorCode> refused = new ArrayList<>();
        await(Future.join(all.stream()
                .map(f -> f.recover(e -> {
                    refused.add(PgErrors.code(e));
                    return Future.succeededFuture();
                }))
                .toList()));
        assertTrue(refused.contains(ErrorCode.OVERLOADED), refused::toString);
        assertTrue(refused.stream().allMatch(ErrorCode.OVERLOADED::equals), refused::toString);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "0.000000001", "12.5", "99999999999999999999999999999.999999999"})
    void aQuantityComesBackAsItWent(String text) {
        Quantity quantity = Quantity.parse(text);
        assertEquals(
                quantity,
                await(database.reads()
                        .preparedQuery("SELECT $1::numeric(38,9) AS n")
                        .execute(Tuple.of(Columns.numeric(quantity)))
                        .map(rows -> Columns.quantity(rows.iterator().next(), "n"))));
    }

    @Test
    void aTimeComesBackAsItWentWhateverTheSessionsZone() {
        Instant time = Instant.parse("2026-03-08T07:30:00.123456Z");
        assertEquals(
                Optional.of(time),
                await(database.reads()
                        .preparedQuery("SELECT $1::timestamptz AS t")
                        .execute(Tuple.of(Columns.time(time.plusNanos(789))))
                        .map(rows -> Columns.optionalInstant(rows.iterator().next(), "t"))));
    }

    @Test
    void everySettingThatLosesCommitsIsNamed() {
        await(Durability.check(database.reads()));
        DB.execute(
                "ALTER ROLE postgres IN DATABASE " + DB.url().replaceAll(".*/", "") + " SET synchronous_commit = off");
        Database lossy = Database.open(VERTX, DatabaseUrl.parse(DB.url()), 1);
        Failure refused = assertInstanceOf(Failure.class, failure(Durability.check(lossy.reads())));
        assertEquals("synchronous_commit", refused.problems().get(0).path());
        await(lossy.close());
        DB.execute("ALTER ROLE postgres IN DATABASE " + DB.url().replaceAll(".*/", "") + " RESET synchronous_commit");
    }

    @Test
    void idsAreUniqueSortByAgeAndCarryTheirPrefix() {
        Ids ids = new Ids(java.time.Clock.fixed(Instant.EPOCH, java.time.ZoneOffset.UTC), new java.util.Random(7));
        Ids later = new Ids(
                java.time.Clock.fixed(Instant.EPOCH.plusMillis(1), java.time.ZoneOffset.UTC), new java.util.Random(7));
        assertTrue(ids.next("acc").matches("acc-0{10}[0-9a-hjkmnp-tv-z]{16}"));
        assertTrue(ids.next("acc").compareTo(later.next("acc")) < 0);
        assertEquals(
                1000,
                IntStream.range(0, 1000).mapToObj(i -> ids.next("x")).distinct().count());
    }

    @Test
    void migrateIsRepeatableAndStatusTellsBehindAndAhead() {
        String url = DB.another();
        Migrations migrations = new Migrations(DatabaseUrl.parse(url));
        Failure behind = assertThrows(Failure.class, () -> migrations.status().requireCurrent());
        assertTrue(behind.detail().contains("behind") && behind.detail().contains("migrate"), behind.detail());
        assertEquals(migrations.status().known().size(), migrations.migrate());
        migrations.status().requireCurrent();
        assertEquals(0, migrations.migrate());

        Database other = Database.open(VERTX, DatabaseUrl.parse(url), 1);
        await(
                sql(
                        other.reads(),
                        "INSERT INTO schema_history (installed_rank, version, description, type, script, installed_by,"
                                + " execution_time, success) VALUES (999, '999', 'later', 'SQL', 'V999__later.sql', 'x', 1, true)"));
        Failure ahead = assertThrows(Failure.class, () -> migrations.status().requireCurrent());
        assertTrue(ahead.detail().contains("ahead") && ahead.detail().contains("999"), ahead.detail());
        assertThrows(Failure.class, migrations::migrate);
        await(sql(other.reads(), "DELETE FROM schema_history WHERE installed_rank = 999"));

        await(sql(other.reads(), "UPDATE schema_history SET checksum = checksum + 1 WHERE version = '1'"));
        Failure damaged = assertThrows(Failure.class, () -> migrations.status().requireCurrent());
        assertTrue(damaged.detail().contains("damaged"), damaged.detail());
        await(other.close());
    }
}
