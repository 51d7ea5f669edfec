package io.tallystick.aggregator.app;

import io.tallystick.aggregator.account.Tokens;
import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.billing.MoneyConservation;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.portal.Visitor;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.aggregator.usage.Conservation;
import io.tallystick.aggregator.usage.Rebuild;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.config.ConfigReader;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Gives a test class one aggregator in this JVM on a database of its own, with a clock that only the test moves:
 *
 * <pre>{@code
 * @RegisterExtension
 * static final RunningAggregator RUNNING = RunningAggregator.with();
 * }</pre>
 */
public final class RunningAggregator implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {
    public static final Instant START = Instant.parse("2026-03-10T09:30:00Z");
    /** Of all users made here. */
    public static final String PASSWORD = "correct horse battery";

    private static final AtomicInteger USERS = new AtomicInteger();
    /** Until the process's own housekeeping leaves the turn to the test; generous, as machines are. */
    private static final Duration TURN = Duration.ofSeconds(60);

    private static final Duration PAUSE = Duration.ofMillis(2);
    private static final Duration WAIT = Duration.ofMinutes(1);

    private final TestDatabase database = TestDatabase.migratedBy(
                    url -> new Migrations(DatabaseUrl.parse(url)).migrate())
            .checkedBy(Conservation::check)
            .checkedBy(MoneyConservation::check);
    private final List<String> settings;
    private final ManualClock clock = new ManualClock(START);
    private final List<ImageCloud> clouds;
    private @Nullable Aggregator aggregator;
    private String operator = "";
    private Optional<Path> archives = Optional.empty();
    private boolean stopped;

    private RunningAggregator(List<String> settings, List<ImageCloud> clouds) {
        this.settings = settings;
        this.clouds = clouds;
    }

    /** With these {@code key=value} settings beside the usual ones. */
    public static RunningAggregator with(String... settings) {
        return new RunningAggregator(Arrays.asList(settings), List.of());
    }

    /** With access to these clouds. */
    public static RunningAggregator withClouds(List<ImageCloud> clouds, String... settings) {
        return new RunningAggregator(Arrays.asList(settings), clouds);
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        database.beforeAll(context);
        aggregator = Aggregator.start(config(database.url(), settings), clock, clouds);
        operator = token(Role.OPERATOR, null);
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        if (!database.check() || stopped) {
            return;
        }
        Assertions.assertEquals(List.of(), differences(), "the ledger and the signed evidence");
    }

    @Override
    public void afterAll(ExtensionContext context) throws Exception {
        if (!stopped) {
            running().close();
        }
        database.afterAll(context);
    }

    /** Ends the process; the database stays, and the test's own parts can work on it undisturbed. */
    public void stop() {
        running().close();
        stopped = true;
    }

    /** A complete configuration for a database, listening on a free port. */
    static Config config(String databaseUrl, List<String> settings) {
        List<String> all = new ArrayList<>(List.of(
                "listen.port=0",
                "public.url=http://127.0.0.1:8080",
                // What it changes is how passwords are hashed, which is most of a test's work otherwise.
                "sandbox=true",
                "database.url=" + databaseUrl,
                "database.pool-size=" + TestDatabase.POOL_SIZE,
                "keys.wrapping-key.file=" + wrappingKey()));
        all.addAll(settings);
        ConfigReader reader =
                ConfigFile.empty().with(all, Path.of("").toAbsolutePath()).reader();
        Config config = Config.read(reader);
        reader.done();
        return config;
    }

    static Path wrappingKey() {
        try {
            Path file = Files.createTempFile("wrapping-key", "");
            file.toFile().deleteOnExit();
            return Files.writeString(file, Base64.getEncoder().encodeToString(new byte[Config.WRAPPING_KEY_BYTES]));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Aggregator running() {
        if (aggregator == null) {
            throw new IllegalStateException("register this extension in a static field with @RegisterExtension");
        }
        return aggregator;
    }

    /** Posts what is due by the test's clock; returns when everything up to now is closed. */
    public void post() {
        Wiring wiring = running().wiring();
        Instant now = clock.instant();
        for (long end = System.nanoTime() + TURN.toNanos(); System.nanoTime() < end; ) {
            // Empty while the process's own housekeeping is posting.
            var posted = Aggregator.await(wiring.posting.post(), WAIT);
            if (posted.isPresent() && !posted.get().closedThrough().isBefore(now)) {
                charge();
                return;
            }
            LockSupport.parkNanos(PAUSE.toNanos());
        }
        throw new AssertionError("posting never got as far as " + now);
    }

    /** Does something with the aggregator's own keys. */
    public <T> T signing(Function<SigningKeys, Future<T>> work) {
        return Aggregator.await(work.apply(running().wiring().keys), WAIT);
    }

    /** In one transaction of the aggregator's. */
    public <T> Future<T> inTx(Function<SqlConnection, Future<T>> work) {
        return running().wiring().database.transactor().inTx(work);
    }

    /** As the database has it. */
    public Enrollment enrollment(EnrollmentId id) {
        return Aggregator.await(
                        running()
                                .wiring()
                                .enrollments
                                .find(running().wiring().database.reads(), id),
                        WAIT)
                .orElseThrow();
    }

    /** Rates what is posted. */
    public void charge() {
        for (long end = System.nanoTime() + TURN.toNanos(); System.nanoTime() < end; ) {
            // Empty while the process's own housekeeping is at it.
            if (Aggregator.await(running().wiring().charging.charge(), WAIT).isPresent()) {
                return;
            }
            LockSupport.parkNanos(PAUSE.toNanos());
        }
        throw new AssertionError("charging never got its turn");
    }

    /** Asks the clouds what runs, wherever that is due. */
    public void sampleClouds() {
        Aggregator.await(running().wiring().samples.round(), WAIT);
    }

    /** Does the jobs that are due, besides what the process does by itself. */
    public void work() {
        Aggregator.await(running().wiring().runner.drain(), WAIT);
    }

    /** Has a change set carried out, by this or by the process's own workers, which may have taken it already. */
    public void finish(String changeSet) {
        for (long end = System.nanoTime() + TURN.toNanos(); System.nanoTime() < end; ) {
            work();
            String status = http().get("/v1/change-sets/" + changeSet, operator)
                    .expect(200)
                    .get("status");
            if (!status.equals("PREPARING") && !status.equals("APPLYING")) {
                Assertions.assertEquals("SUCCEEDED", status);
                return;
            }
            clock.advance(Duration.ofSeconds(1));
        }
        throw new AssertionError(changeSet + " never ended");
    }

    /** What the ledger and the evidence disagree about. */
    public List<String> differences() {
        Wiring wiring = running().wiring();
        return Aggregator.await(new Rebuild(wiring.database, wiring.vertx).compare(archives), WAIT)
                .differences();
    }

    /** Gives a version that was published in the database a copy in a region. */
    public void copied(String version, String region, String image) {
        database()
                .execute(
                        "INSERT INTO image_copy (token, version_id, cloud, region, source_region, source_image_id, name,"
                                + " image_id, status, requested_at, available_at, published_at) SELECT id || '" + region
                                + "', id, cloud, '" + region + "', region, source_image_id, 'name', '" + image
                                + "', 'available', now(), now(), published_at FROM product_version WHERE id = '"
                                + version
                                + "'");
    }

    /** Where evidence of this database is archived. */
    public void archivesIn(Path folder) {
        archives = Optional.of(folder);
    }

    public TestDatabase database() {
        return database;
    }

    public ManualClock clock() {
        return clock;
    }

    public Http http() {
        return new Http("http://127.0.0.1:" + running().port());
    }

    /** An operator's token. */
    public String operator() {
        return operator;
    }

    /** A new token, made without HTTP. */
    public String token(Role role, @Nullable String account) {
        return token(role, account, Optional.empty());
    }

    public String token(Role role, @Nullable String account, Optional<Instant> expiresAt) {
        Tokens.NewToken wanted = new Tokens.NewToken(role, Optional.ofNullable(account), Optional.empty(), expiresAt);
        return Aggregator.await(running().wiring().tokens.create("test", wanted), WAIT)
                .secret();
    }

    /** A new user of the portal who has signed in. */
    public Visitor visitor(Role role, @Nullable String account) {
        return Visitor.signedIn(http(), user(role, account), PASSWORD);
    }

    /** A new user with {@link #PASSWORD}; answers the e-mail address. */
    public String user(Role role, @Nullable String account) {
        String email = "user" + USERS.incrementAndGet() + "@example.com";
        Users.NewUser wanted = new Users.NewUser(email, role, Optional.ofNullable(account), Optional.of(PASSWORD));
        return Aggregator.await(running().wiring().users.create("test", wanted), WAIT)
                .user()
                .email();
    }

    /** A new account, made over HTTP; answers its id. */
    public String account(String kind) {
        return post("/v1/accounts", Json.object("kind", kind, "name", "A " + kind))
                .get("id");
    }

    /** Registers an account at a cloud as one's own. */
    public void cloudAccount(String account, String cloud, String cloudAccount) {
        http().post(
                        "/v1/accounts/" + account + "/cloud-accounts",
                        operator,
                        Json.write(Json.object("cloud", cloud, "accountId", cloudAccount)))
                .expect(200);
    }

    /** A new product in STAGING; answers its id. */
    public String product(String seller, String... dimensions) {
        return post(
                        "/v1/products",
                        Json.object("title", "A product", "seller", seller, "dimensions", dimensions(dimensions)))
                .get("id");
    }

    /** The code of a product. */
    public String code(String product) {
        return http().get("/v1/products/" + product, operator).expect(200).get("productCode");
    }

    private static List<Map<String, Object>> dimensions(String... keys) {
        return Arrays.stream(keys)
                .map(key -> Json.object("key", key, "unit", "Units"))
                .toList();
    }

    /** Moves a product along: {@code visibility(product, "LIMITED", "PUBLIC")}. */
    public void visibility(String product, String... steps) {
        for (String step : steps) {
            http().send(
                            "PUT",
                            "/v1/products/" + product + "/visibility",
                            operator,
                            Json.write(Json.object("visibility", step)))
                    .expect(200);
        }
    }

    /** A new agreement; answers its id. */
    public String agreement(String product, String account) {
        return post("/v1/agreements", Json.object("product", product, "account", account))
                .get("id");
    }

    private Http.Answer post(String path, Map<String, Object> body) {
        return http().post(path, operator, Json.write(body)).expect(201);
    }
}
