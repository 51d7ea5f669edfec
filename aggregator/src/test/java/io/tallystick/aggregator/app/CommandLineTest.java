package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The commands an operator types, and the server as a process of its own. */
class CommandLineTest {
    private static final Pattern LISTENING = Pattern.compile("listening on (http://127\\.0\\.0\\.1:\\d+)");

    @RegisterExtension
    static final TestDatabase DB = TestDatabase.empty();

    @TempDir
    Path folder = Path.of("");

    private Path conf = Path.of("");

    @BeforeEach
    void configure() throws IOException {
        Files.copy(RunningAggregator.wrappingKey(), folder.resolve("key"));
        conf = Files.writeString(
                folder.resolve("a.conf"),
                """
                listen.port = 0
                public.url = http://127.0.0.1:8080
                database.url = %s
                database.pool-size = %d
                keys.wrapping-key.file = key
                """
                        .formatted(DB.another(), TestDatabase.POOL_SIZE));
    }

    @Test
    void keysAreRotatedRetiredAndRewrapped() throws IOException {
        String config = conf.toString();
        assertEquals(0, run("migrate", "--config", config).exit());
        String first = run("keys", "list", "--config", config).out().strip();
        Result refused = run("keys", "retire", first, "--config", config);
        assertEquals(1, refused.exit());
        assertTrue(refused.err().contains("rotate first"), refused.err());
        Result rotated = run("keys", "rotate", "--now", "--config", config);
        assertEquals(0, rotated.exit(), rotated.err());
        assertTrue(run("keys", "retire", first, "--config", config).err().contains("are in use until"));
        assertEquals(
                "retired " + first,
                run("keys", "retire", first, "--now", "--config", config).out().strip());
        assertEquals(
                rotated.out().strip(),
                run("keys", "list", "--config", config).out().strip());

        byte[] fresh = new byte[Config.WRAPPING_KEY_BYTES];
        fresh[0] = 1;
        Files.writeString(folder.resolve("fresh"), Base64.getEncoder().encodeToString(fresh));
        String next = "keys.wrapping-key.file=" + folder.resolve("fresh");
        Result rewrapped = run(
                "keys",
                "rewrap",
                "--config",
                config,
                "--set",
                next,
                "--set",
                "keys.former-wrapping-key.file=" + folder.resolve("key"));
        assertEquals(
                "rewrapped 2 signing keys, 0 cloud keys and 0 registration keys",
                rewrapped.out().strip(),
                rewrapped.err());
        assertEquals(
                rotated.out().strip(),
                run("keys", "list", "--config", config, "--set", next).out().strip());
        assertEquals(0, run("audit", "verify", "--config", config).exit());
    }

    @Test
    void aKeyThatARestoredDatabaseForgotIsRememberedFromACopyOfThePublishedList() throws IOException {
        with("migrate");
        with("keys", "list");
        Path copy = Files.writeString(
                folder.resolve("jwks.json"),
                """
                {"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","use":"sig","alg":"EdDSA"}]}""");
        Result remembered = with("keys", "remember", copy.toString());
        assertEquals(
                "remembered kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                remembered.out().strip(),
                remembered.err());
        Result again = with("keys", "remember", copy.toString());
        assertEquals(0, again.exit());
        assertEquals("all of them are known", again.out().strip());
        Files.writeString(copy, "{}");
        Result refused = with("keys", "remember", copy.toString());
        assertEquals(1, refused.exit());
        assertTrue(refused.err().contains("kid: is missing"), refused.err());
        Result absent = with("keys", "remember", folder.resolve("no-such-file").toString());
        assertEquals(1, absent.exit());
        assertTrue(absent.err().contains("no-such-file cannot be read"), absent.err());
        assertEquals(0, with("audit", "verify").exit());
    }

    private record Result(int exit, String out, String err) {}

    private static Result run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exit = Main.run(args, new PrintWriter(out, true), new PrintWriter(err, true));
        return new Result(exit, out.toString(), err.toString());
    }

    private Result with(String... command) {
        List<String> args = new ArrayList<>(Arrays.asList(command));
        args.addAll(List.of("--config", conf.toString()));
        return run(args.toArray(String[]::new));
    }

    @Test
    void whatIsTooYoungIsNotArchived() {
        with("migrate");
        String to = folder.resolve("archive").toString();
        assertEquals(
                "nothing to archive: no month ended longer ago than PT2160H",
                with("audit", "archive", "--to", to).out().strip());
        Result refused = with("audit", "archive", "--to", to, "--older-than", "P1D");
        assertEquals(1, refused.exit());
        assertTrue(refused.err().contains("older-than: must be at least PT744H"), refused.err());
        Result checked = with("audit", "verify", "--archive", to);
        assertEquals(0, checked.exit());
        assertTrue(checked.out().contains("ok: 0 archives with 0 batches, 0 in the database"), checked.out());
    }

    @Test
    void aServerOnAnEmptyDatabaseRefusesAndSaysWhatToDo() {
        Result refused = with("serve");
        assertEquals(1, refused.exit());
        assertTrue(refused.err().contains("`tallystick-aggregator migrate`"), refused.err());
        assertEquals("", refused.out());
    }

    @Test
    void migrateThenTokenThenVerify() {
        assertTrue(with("migrate").out().matches("applied \\d+ migrations\\R"));
        assertEquals("applied 0 migrations", with("migrate").out().strip());
        Result token = with("token", "create", "--role", "operator");
        assertTrue(token.out().matches("tks_[A-Za-z0-9_-]{43}\\R"), token.out() + token.err());
        assertEquals(0, token.exit());
        Result verified = with("audit", "verify");
        assertTrue(verified.out().startsWith("ok: 1 events, head "), verified.out());
        assertEquals(0, verified.exit());
    }

    @Test
    void aWrongCommandLineIsExit2AndARefusalExit1() {
        assertEquals(2, run().exit());
        assertEquals(2, run("serve").exit());
        assertEquals(2, run("token").exit());
        assertEquals(2, with("token", "create", "--role", "admin").exit());
        with("migrate");
        Result noAccount = with("token", "create", "--role", "seller");
        assertEquals(1, noAccount.exit());
        assertTrue(noAccount.err().contains("account: is missing for this role"), noAccount.err());
    }

    @Test
    void aWrongConfigurationTellsEveryProblemAndNoSecret() {
        Result refused = with("serve", "--set", "listen.port=x", "--set", "no.such=1");
        assertEquals(1, refused.exit());
        assertTrue(refused.err().contains("listen.port: must be a whole number"), refused.err());
        assertTrue(refused.err().contains("no.such: is not a known key"), refused.err());
    }

    @Test
    void aDatabaseThatIsAwayIsToldInOneLine() {
        Result refused = with("migrate", "--set", "database.url=postgresql://u:hunter2@127.0.0.1:1/d");
        assertEquals(1, refused.exit());
        assertEquals(1, refused.err().lines().count(), refused.err());
        assertFalse(refused.err().contains("hunter2"), refused.err());
    }

    @Test
    void theProcessServesSaysWhereAndStopsCleanlyOnSigterm() throws Exception {
        Process server = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "serve",
                        "--config",
                        conf.toString(),
                        "--set",
                        "database.migrate-on-start=true")
                .redirectErrorStream(true)
                .start();
        StringBuilder log = new StringBuilder();
        try (BufferedReader lines = server.inputReader()) {
            String url = "";
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                log.append(line).append('\n');
                Matcher listening = LISTENING.matcher(line);
                if (listening.matches()) {
                    url = listening.group(1);
                    new Http(url).get("/readyz", null).expect(200);
                    // SIGTERM; Process.destroy would close the log, too.
                    server.toHandle().destroy();
                }
            }
            assertFalse(url.isEmpty(), log::toString);
            assertTrue(server.waitFor(30, TimeUnit.SECONDS), log::toString);
            assertTrue(log.toString().stripTrailing().endsWith("stopped"), log::toString);
            assertTrue(log.toString().contains("database.pool-size = " + TestDatabase.POOL_SIZE), log::toString);
        } finally {
            server.destroyForcibly();
        }
    }
}
