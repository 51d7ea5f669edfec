package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Resume;
import io.tallystick.common.wire.Watermark;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** March and April leave the database as files; what they prove is proved as before, and whoever touches them is found. */
class ArchiveTest {
    private static final String ACCOUNT = "222233334444";
    private static final String MARCH = "2026-03";
    private static final String APRIL = "2026-04";
    private static final String BATCHES = "batches-00001.ndjson.gz";

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    @TempDir
    static Path root = Path.of("");

    @TempDir
    Path copies = Path.of("");

    private static @Nullable World made;

    /**
     * What was sent before the archiving.
     *
     * @param busy sends in every month
     * @param silent sent its last batch in March
     * @param skewed one of its batches came to a process whose clock was in April already
     */
    private record World(
            Vertx vertx,
            Database database,
            String product,
            String buyer,
            ProtocolClient busy,
            ProtocolClient silent,
            ProtocolClient skewed,
            Jws silentFirst,
            Jws silentLast,
            String silentReceipt,
            String marchLine,
            String mayLine,
            List<Archives.Done> done) {}

    private static World world() {
        return Optional.ofNullable(made).orElseThrow();
    }

    @BeforeAll
    static void aSpringOfUsage() {
        String product = RUNNING.product(RUNNING.account("seller"), "requests");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        String buyer = RUNNING.account("buyer");
        RUNNING.cloudAccount(buyer, "aws", ACCOUNT);
        RUNNING.agreement(product, buyer);
        ProtocolClient busy = agent(product);
        ProtocolClient silent = agent(product);
        ProtocolClient skewed = agent(product);
        for (int i = 0; i < 3; i++) {
            busy.send(usage());
            skewed.send(usage());
        }
        Jws silentFirst = silent.sign(usage());
        silent.send(usage());
        Jws silentLast = silent.sign(usage());
        String silentReceipt = silent.trySend(silentLast).expect(200).text();
        silent.mark(new Watermark(1, 2, silentLast.hash()));
        tamper("UPDATE usage_batch SET received = '2026-04-01T00:00:00.250Z' WHERE enrollment_id = '"
                + skewed.id().uuid() + "' AND seq = 2");
        RUNNING.clock().advance(Duration.ofDays(30));
        RUNNING.post();
        // A new epoch begins where the old one ended.
        busy.mark(busy.resume(busy.mark(), true).watermark());
        busy.send(usage());
        busy.send();
        RUNNING.clock().advance(Duration.ofDays(40));
        busy.send(usage());
        RUNNING.clock().advance(Duration.ofDays(33));
        RUNNING.post();
        List<String> lines = pull().lines().toList();
        Vertx vertx = Vertx.vertx();
        Database database =
                Database.open(vertx, DatabaseUrl.parse(RUNNING.database().url()), TestDatabase.POOL_SIZE);
        List<Archives.Done> done = new ArrayList<>();
        await(new Archives(database, vertx, new Audit(RUNNING.clock()), RUNNING.clock())
                .archive("test", root, Duration.ofDays(35), done::add));
        made = new World(
                vertx,
                database,
                product,
                buyer,
                busy,
                silent,
                skewed,
                silentFirst,
                silentLast,
                silentReceipt,
                lines.get(0),
                lines.get(lines.size() - 1),
                done);
        RUNNING.archivesIn(root);
    }

    @AfterAll
    static void close() {
        await(world().database().close());
        await(world().vertx().close());
    }

    @Test
    void monthsThatEndedLongAgoAreFilesAndTheirPartitionsAreGone() {
        assertEquals(
                List.of("2026-03 6 1", "2026-04 4 0"),
                world().done().stream()
                        .map(d -> d.name() + " " + d.batches() + " " + d.stayed())
                        .toList());
        assertEquals("1", ask("SELECT count(*) FROM usage_batch"));
        assertEquals(
                "usage_batch_2026_05",
                ask("SELECT min(relname) FROM pg_class WHERE relkind = 'r' AND relname ~ 'usage_batch_'"
                        + " AND relname <> 'usage_batch_default'"));
        assertEquals(List.of(), verify(root).faults());
        assertEquals(10, verify(root).archivedBatches());
        assertEquals(1, verify(root).liveBatches());
    }

    @Test
    void aLineOfAFileIsTheBatchAsItWasReceived() {
        List<Map<String, Object>> lines = lines(root.resolve(MARCH).resolve(BATCHES)).stream()
                .map(Json::parseObject)
                .filter(l -> world().silent().id().toString().equals(l.get("enrollment")))
                .toList();
        assertEquals(world().silentFirst().compact(), lines.get(0).get("jws"));
        assertEquals(
                ProtocolClient.receipt(world().silent().trySend(world().silentLast())),
                io.tallystick.common.wire.Receipt.parse(Jws.parseCompact(
                                String.valueOf(lines.get(1).get("receipt")), io.tallystick.common.jose.Typ.RECEIPT)
                        .payload()));
    }

    @Test
    void theUsageIsRebuiltFromTheFilesAndWithoutThemItIsSaidWhereTheyAre() {
        assertEquals(List.of(), RUNNING.differences());
        List<String> without = await(new Rebuild(world().database(), world().vertx()).compare(Optional.empty()))
                .differences();
        assertEquals(2, without.size());
        assertTrue(without.get(0).startsWith("6 batches of 2026-03 are archived"), without.get(0));
        assertTrue(without.get(0).contains(root.resolve(MARCH).toString()), without.get(0));
    }

    @Test
    void anExplanationNamesTheArchive() {
        Map<String, Object> march = explain(world().marchLine(), RUNNING.operator());
        assertEquals(List.of(), march.get("batches"));
        Map<?, ?> archive = (Map<?, ?>) ((List<?>) march.get("archives")).get(0);
        assertEquals(MARCH, archive.get("name"));
        assertEquals(root.resolve(MARCH).toString(), archive.get("location"));
        assertEquals(
                ArchiveFolder.hex(Hash.of(read(root.resolve(MARCH).resolve(ArchiveManifest.FILE)))),
                archive.get("manifestSha256"));
        String mine = RUNNING.token(Role.BUYER, world().buyer());
        Map<?, ?> shown =
                (Map<?, ?>) ((List<?>) explain(world().marchLine(), mine).get("archives")).get(0);
        assertEquals(MARCH, shown.get("name"));
        assertFalse(shown.containsKey("location"));
        assertFalse(explain(world().mayLine(), mine).containsKey("archives"));
    }

    /** A VM that slept for months comes back to an aggregator that has archived all it knows of it. */
    @Test
    void anAgentGoesOnFromItsArchivedBatches() {
        ProtocolClient silent = world().silent();
        Watermark end = new Watermark(1, 2, world().silentLast().hash());
        assertEquals(
                world().silentReceipt(),
                silent.trySend(world().silentLast()).expect(200).text());
        Http.Answer older = silent.trySend(world().silentFirst()).expect(409);
        assertEquals("conflict", older.get("code"));
        assertTrue(older.get("detail").startsWith("already-archived: batch 1.1"), older.text());
        Jws other = silent.sign(new Batch(1, 2, world().silentFirst().hash(), List.of(usage(), usage())));
        assertEquals("fork", silent.trySend(other).expect(409).get("code"));

        assertEquals(end, silent.resume(end, false).watermark());
        Http.Answer lost = silent.tryResume(
                        new Watermark(1, 1, world().silentFirst().hash()))
                .expect(409);
        assertTrue(lost.get("detail").startsWith("already-archived: batches after 1.1"), lost.text());
        assertEquals(
                "fork",
                silent.tryResume(new Watermark(1, 2, Hash.of(new byte[] {7})))
                        .expect(409)
                        .get("code"));
        silent.mark(end);
        silent.send();
        assertEquals(List.of(), verify(root).faults());
    }

    /** A VM installed anew has another key and an empty state; what its former key sent is archived. */
    @Test
    void aKeyThatTookOverGoesOnBehindTheArchiveOfAnothersBatches() {
        ProtocolClient anew = SimulatedRegion.client(
                RUNNING, world().skewed().vm().restarted(RUNNING.clock().instant(), "m5.large"));
        anew.enroll();
        RUNNING.clock().advance(Takeovers.TRIAL);
        Watermark handed = anew.lease().watermark();
        assertEquals(
                new Watermark(2, 0, world().skewed().mark().hash()),
                handed,
                "the chain goes on where the archived one ends");
        Resume.Answer first = anew.resume(Watermark.START, true);
        assertEquals(Optional.of(handed), first.from());
        assertEquals(List.of(), first.batches());
        assertEquals(handed, first.watermark(), "no epoch is opened for whoever knew nothing");
        anew.mark(anew.resume(handed, true).watermark());
        assertEquals(new Watermark(3, 0, handed.hash()), anew.mark());
        anew.send(usage());
        assertEquals(List.of(), verify(root).faults());

        // Rolled back to its first start: what this key sent itself is handed out, from where it began.
        Resume.Answer again = anew.resume(Watermark.START, false);
        assertEquals(Optional.of(handed), again.from());
        assertEquals(1, again.batches().size());
        // The key before it may come back, by approval: of what it sent itself nothing is left out.
        world().skewed().tryEnroll().expect(409);
        RUNNING.http()
                .post(
                        "/v1/enrollments/" + anew.id() + "/approve",
                        RUNNING.operator(),
                        Json.write(Json.object("thumbprint", world().skewed().thumbprint())))
                .expect(200);
        Http.Answer refused = world().skewed().tryResume(Watermark.START).expect(409);
        assertTrue(refused.get("detail").startsWith("already-archived: batches after 1.0"), refused.text());
    }

    static Stream<Arguments> changes() {
        return Stream.of(
                change("a byte of a file", "was changed", folder -> {
                    byte[] bytes = read(folder.resolve(MARCH).resolve(BATCHES));
                    bytes[bytes.length / 2] ^= 1;
                    write(folder.resolve(MARCH).resolve(BATCHES), bytes);
                }),
                change(
                        "a missing file",
                        BATCHES + " is missing",
                        folder -> Files.delete(folder.resolve(MARCH).resolve(BATCHES))),
                change("a missing month", "manifest.json is missing", folder -> {
                    for (String file : List.of(BATCHES, "chains.ndjson.gz", "manifest.json")) {
                        Files.delete(folder.resolve(APRIL).resolve(file));
                    }
                }),
                change("a dropped line", "bytes and not", folder -> withoutLine(folder.resolve(MARCH))),
                change("files of two months swapped", "and not", folder -> {
                    Path march = folder.resolve(MARCH).resolve(BATCHES);
                    Path april = folder.resolve(APRIL).resolve(BATCHES);
                    byte[] bytes = read(march);
                    write(march, read(april));
                    write(april, bytes);
                }),
                change("two months swapped", "is not the one that was recorded", folder -> {
                    Files.move(folder.resolve(MARCH), folder.resolve("x"));
                    Files.move(folder.resolve(APRIL), folder.resolve(MARCH));
                    Files.move(folder.resolve("x"), folder.resolve(APRIL));
                }),
                change("a dropped line with a manifest to match", "is not the one that was recorded", folder -> {
                    withoutLine(folder.resolve(MARCH));
                    forgeManifest(folder.resolve(MARCH));
                }),
                change(
                        "a file more",
                        "is not in the manifest",
                        folder -> write(folder.resolve(APRIL).resolve("batches-00002.ndjson.gz"), new byte[] {1})));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("changes")
    void whatIsDoneToTheFilesIsFound(String name, String fault, Change change) throws IOException {
        copy(root, copies);
        assertEquals(List.of(), verify(copies).faults());
        change.on(copies);
        List<String> faults = verify(copies).faults();
        assertTrue(faults.stream().anyMatch(f -> f.contains(fault)), faults::toString);
        assertFalse(await(new Rebuild(world().database(), world().vertx()).compare(Optional.of(copies)))
                .differences()
                .isEmpty());
    }

    /** The table beside the files is no hash chain; the audit log is. */
    @Test
    void aForgedArchiveWithAForgedRowIsFoundByTheAuditLog() throws IOException {
        copy(root, copies);
        withoutLine(copies.resolve(MARCH));
        forgeManifest(copies.resolve(MARCH));
        String forged = ArchiveFolder.hex(Hash.of(read(copies.resolve(MARCH).resolve(ArchiveManifest.FILE))));
        String genuine = ArchiveFolder.hex(Hash.of(read(root.resolve(MARCH).resolve(ArchiveManifest.FILE))));
        digest(forged);
        try {
            List<String> faults = verify(copies).faults();
            assertTrue(faults.contains(MARCH + ": the audit log has another manifest, " + genuine), faults::toString);
        } finally {
            digest(genuine);
        }
    }

    private static void digest(String hex) {
        tamper("UPDATE evidence_archive SET manifest_sha256 = decode('" + hex + "', 'hex') WHERE name = '" + MARCH
                + "'");
    }

    @Test
    void aGapBetweenTheFilesAndTheDatabaseIsFound() {
        String of = "enrollment_id = '" + world().busy().id().uuid() + "'";
        tamper("CREATE TABLE away AS SELECT * FROM usage_batch WHERE " + of + "; DELETE FROM usage_batch WHERE " + of);
        try {
            List<String> faults = verify(root).faults();
            assertTrue(faults.stream().anyMatch(f -> f.contains("was stored last")), faults::toString);
        } finally {
            tamper("INSERT INTO usage_batch SELECT * FROM away; DROP TABLE away");
        }
        tamper("UPDATE archived_chain SET seq = seq - 1 WHERE epoch = 2 AND " + of);
        try {
            List<String> faults = verify(root).faults();
            assertTrue(
                    faults.stream().anyMatch(f -> f.contains("takes it for the last archived batch")),
                    faults::toString);
        } finally {
            tamper("UPDATE archived_chain SET seq = seq + 1 WHERE epoch = 2 AND " + of);
        }
    }

    @Test
    void theListOfArchivesCannotBeShortened() {
        tamper("CREATE TABLE away AS SELECT * FROM evidence_archive; DELETE FROM evidence_archive");
        try {
            List<String> faults = verify(root).faults();
            assertTrue(
                    faults.contains(APRIL + ": is in the audit log, and the database does not know it"),
                    faults::toString);
        } finally {
            tamper("INSERT INTO evidence_archive SELECT * FROM away; DROP TABLE away");
        }
    }

    /** Something to do to the archives. */
    @FunctionalInterface
    interface Change {
        void on(Path folder) throws IOException;
    }

    private static Arguments change(String name, String fault, Change change) {
        return Arguments.of(name, fault, change);
    }

    private static void withoutLine(Path folder) {
        List<String> lines = new ArrayList<>(lines(folder.resolve(BATCHES)));
        lines.remove(0);
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(folder.resolve(BATCHES)))) {
            for (String line : lines) {
                out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As whoever changes a file would, knowing the format. */
    private static void forgeManifest(Path folder) {
        ArchiveManifest old = ArchiveManifest.parse(read(folder.resolve(ArchiveManifest.FILE)));
        byte[] batches = read(folder.resolve(BATCHES));
        ArchiveManifest forged = new ArchiveManifest(
                old.name(),
                old.before(),
                old.previous(),
                old.batches() - 1,
                List.of(new ArchiveManifest.Part(
                        BATCHES, ArchiveFolder.hex(Hash.of(batches)), batches.length, old.batches() - 1)),
                old.chains());
        write(folder.resolve(ArchiveManifest.FILE), forged.toBytes());
    }

    private static ArchiveCheck.Verdict verify(Path folder) {
        return await(new ArchiveCheck(world().database(), world().vertx()).verify(folder));
    }

    private static Map<String, Object> explain(String line, String token) {
        Map<String, Object> json = Json.parseObject(line);
        return RUNNING.http()
                .get("/v1/billing/usage/" + json.get("run") + "." + json.get("line") + "/evidence", token)
                .expect(200)
                .json();
    }

    private static String pull() {
        return RUNNING.http()
                .get("/v1/billing/usage", RUNNING.operator())
                .expect(200)
                .text();
    }

    private static ProtocolClient agent(String product) {
        ProtocolClient agent = SimulatedRegion.client(
                RUNNING,
                SimulatedRegion.vm(
                        ACCOUNT,
                        RUNNING.clock().instant().minus(Duration.ofMinutes(5)),
                        List.of(RUNNING.code(product))));
        agent.enroll();
        return agent;
    }

    private static MeteringRecord usage() {
        return MeteringRecord.increment("requests", Hours.of(RUNNING.clock().instant()), Quantity.of(2));
    }

    /** As someone with the database's superuser and the triggers switched off would. */
    private static void tamper(String sql) {
        RUNNING.database().execute("SET session_replication_role = replica; " + sql);
    }

    private static String ask(String sql) {
        try (Connection connection = RUNNING.database().connect();
                ResultSet rows = connection.createStatement().executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static List<String> lines(Path file) {
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = to.resolve(from.relativize(file));
                Files.createDirectories(target.getParent());
                Files.copy(file, target);
            }
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(Path file, byte[] bytes) {
        try {
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static <T> T await(Future<T> future) {
        try {
            return future.await(60, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError(e);
        }
    }
}
