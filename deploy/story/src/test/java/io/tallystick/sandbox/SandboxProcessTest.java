package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.time.SandboxClock;
import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sandbox as a program: what it leaves behind when it is killed, and how it goes on. */
class SandboxProcessTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void endAll() throws IOException, InterruptedException {
        for (Process p : started) {
            p.destroyForcibly().waitFor();
        }
        for (String link : List.of("deploy", "opt/tallystick/bin", "opt/tallystick-aggregator")) {
            Files.deleteIfExists(dir.resolve(link));
        }
        RunFolder.tryLock(dir.resolve("run")).ifPresent(folder -> {
            Leftovers.stop(folder);
            folder.close();
        });
    }

    @Test
    void aKilledSandboxGoesOnWhereItWasAndAnOrderlyEndLeavesNothingRunning() throws Exception {
        Process first = start("first.log");
        Doc before = endpoints("first.log");
        String token = before.object("operator").text("token");
        first.destroyForcibly().waitFor();
        Path folder = dir.resolve("run").toRealPath();
        assertFalse(Leftovers.programs(folder).isEmpty(), "a SIGKILL leaves programs running");

        Process second = start("second.log");
        Doc after = endpoints("second.log");
        assertTrue(Files.readString(dir.resolve("second.log")).contains("stopped a leftover of a crash"));
        assertEquals(
                before.object("aggregator").text("url"),
                after.object("aggregator").text("url"));
        assertEquals(before.object("agent").text("url"), after.object("agent").text("url"));
        assertEquals(
                before.object("product").text("id"), after.object("product").text("id"));
        Rest operator = Rest.at(java.net.URI.create(after.object("aggregator").text("url")))
                .with(token);
        String enrollments = operator.get("/v1/enrollments").expect(200).text();
        assertTrue(enrollments.contains(after.text("instance")), enrollments);

        second.destroy();
        assertTrue(second.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), "ends after SIGTERM");
        assertEquals(List.of(), Leftovers.programs(folder));
        assertEquals(List.of(), Leftovers.databaseServers(folder.resolve("postgresql")));
    }

    /** What the sandbox prints to try, and the scripts of docs/operations.md, as somebody would paste them. */
    @Test
    @NeedsTool({"curl", "openssl"})
    void theLinesItPrintsAndTheScriptsOfTheOperationsGuideWorkWhenPasted() throws Exception {
        start("sandbox.log");
        Doc endpoints = endpoints("sandbox.log");
        List<String> printed = said("sandbox.log")
                .lines()
                .filter(line -> line.startsWith("  curl "))
                .toList();
        assertTrue(printed.size() >= 5, printed.toString());
        for (String line : printed) {
            String answer = paste(line, Map.of());
            assertFalse(answer.contains("urn:tallystick:problem"), () -> line + " answered " + answer);
        }

        Map<String, String> operator = Map.of(
                "URL", endpoints.object("aggregator").text("url"),
                "TOKEN", endpoints.object("operator").text("token"),
                "CODE", "an-example-of-operations-md");
        String agreement = paste(block("    post() {"), operator);
        assertTrue(agreement.contains("\"acceptedAt\""), agreement);
        String user = paste(
                block("    curl -sS -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json'"
                        + " \"$URL/v1/users\""),
                Map.of(
                        "URL", operator.get("URL"),
                        "TOKEN", operator.get("TOKEN"),
                        "SELLER", endpoints.object("seller").text("account")));
        assertTrue(user.contains("\"password\":\""), user);
        paste(block("    AFTER=0.0"), operator);
        String functions = block("    post() {").lines().limit(2).collect(Collectors.joining("\n"));
        Map<String, String> money = new HashMap<>(operator);
        money.put(
                "PRODUCT",
                Doc.parse(agreement.substring(agreement.lastIndexOf("{\"id\""))).text("product"));
        String offer = paste(functions + "\n" + block("    OFFER=$(post"), money);
        assertTrue(offer.contains("\"rate\":2") && offer.contains("0.0001"), offer);
        assertTrue(paste(block("    for path in charges"), operator).contains("BilledCost"));
        assertTrue(Files.exists(dir.resolve("page.ndjson")));
        pasteWhatBuyersAtOutscaleNeed(
                functions, money, Doc.parse(agreement.substring(agreement.lastIndexOf("{\"id\""))));
        pasteTheReports(functions, money, endpoints);
    }

    private void pasteWhatBuyersAtOutscaleNeed(String functions, Map<String, String> operator, Doc agreement)
            throws Exception {
        Map<String, String> buyer = new HashMap<>(operator);
        buyer.put("AGREEMENT", agreement.text("id"));
        String cloudAccount = "400000000009";
        buyer.put("CLOUD_ACCOUNT", cloudAccount);
        buyer.put("ACCESS_KEY", "ABCDEFGHIJ0123456789");
        buyer.put("SECRET_KEY", "a-secret-that-is-never-given-out");
        Rest.at(java.net.URI.create(operator.get("URL")))
                .with(operator.get("TOKEN"))
                .post(
                        "/v1/accounts/" + agreement.text("account") + "/cloud-accounts",
                        Map.of("cloud", "outscale", "accountId", cloudAccount))
                .expect(200, 201);
        String code = paste(functions + "\n" + block("    post /v1/join-codes"), buyer);
        assertTrue(code.contains("\"code\":\"jc-"), code);
        String key = paste(functions + "\n" + block("    post /v1/cloud-keys"), buyer);
        assertTrue(key.contains(cloudAccount) && !key.contains(buyer.get("SECRET_KEY")), key);
    }

    /** The report of a day can be made once the day's last hour is posted. */
    private void pasteTheReports(String functions, Map<String, String> operator, Doc endpoints) throws Exception {
        Map<String, String> reader = new HashMap<>(operator);
        reader.put("SELLER", endpoints.object("seller").text("account"));
        Path clock = dir.resolve("run").resolve("clock");
        reader.put(
                "DAY",
                new SandboxClock(clock, InstantSource.system())
                        .instant()
                        .toString()
                        .substring(0, 10));
        List<String> lines =
                List.of(block("    curl -sS \"$URL/v1/reports?seller").split("\n"));
        SandboxClock.advance(clock, Duration.ofDays(2));
        String made = Await.value(PATIENCE, () -> {
                    String answer = pasted(functions + "\n" + lines.get(1), reader);
                    return answer.contains("\"sha256\"") ? Optional.of(answer) : Optional.empty();
                })
                .orElseThrow();
        assertTrue(paste(lines.get(0), reader).contains(Doc.parse(made).text("id")));
        reader.put("REPORT", Doc.parse(made).text("id"));
        paste(lines.get(2), reader);
        assertTrue(Files.readString(dir.resolve("report.csv")).startsWith("Customer Reference ID,"));
    }

    /** Every command line of docs/operations.md that is not part of a script, each once and as it stands there. */
    @Test
    @NeedsTool("curl")
    void theCommandsOfTheOperationsGuideWorkWhenPasted() throws Exception {
        start("sandbox.log");
        Doc endpoints = endpoints("sandbox.log");
        Path root = Path.of(System.getProperty("tallystick.root"));
        Files.createSymbolicLink(dir.resolve("deploy"), root.resolve("deploy"));
        Path opt = Files.createDirectory(dir.resolve("opt"));
        Files.createSymbolicLink(
                Files.createDirectory(opt.resolve("tallystick")).resolve("bin"), root.resolve("deploy/bin"));
        Files.createSymbolicLink(opt.resolve("tallystick-aggregator"), root.resolve("aggregator/target/app"));
        List<String> commands = new ArrayList<>(guide().stream()
                .filter(line -> line.matches("    \\S*(deploy/bin/|_HOME=).*|    \\(umask.*"))
                .map(String::strip)
                .toList());

        String home = take(commands, "TALLYSTICK_AGGREGATOR_HOME=").replace("/opt/", opt + "/");
        assertTrue(paste(home, Map.of()).contains("serve"));
        paste(take(commands, "(umask "), Map.of());
        assertEquals(
                "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("wrapping-key"))));

        // A second process beside the sandbox's, on its database.
        Files.writeString(
                dir.resolve("aggregator.conf"),
                Files.readString(Path.of(endpoints.object("aggregator").text("config")))
                        .replaceAll("(?m)^listen.port = .*", "listen.port = 0"));
        assertTrue(paste(take(commands, "deploy/bin/tallystick-aggregator migrate"), Map.of())
                .contains("applied 0 migrations"));
        background(take(commands, "deploy/bin/tallystick-aggregator serve"), "serve.log");
        String token = paste(take(commands, "TOKEN=") + "; printf '%s' \"$TOKEN\"", Map.of());
        String password = paste(take(commands, "deploy/bin/tallystick-aggregator user create"), Map.of());
        assertTrue(password.lines().anyMatch(line -> line.matches("[a-z0-9]{20}")), password);

        // The sandbox's own agent, and a second one that asks for the same instance: contested.
        Map<String, String> vm = Map.of(
                "TALLYSTICK_AGENT_URL", endpoints.object("agent").text("url"), "KEY", "pasted from operations.md");
        paste(take(commands, "deploy/bin/tallystick-agent verify"), vm);
        paste(take(commands, "deploy/bin/tallystick-agent meter"), vm);
        assertTrue(
                paste(take(commands, "deploy/bin/tallystick-agent status"), vm).contains("ENTITLED"));
        Files.writeString(
                dir.resolve("agent.conf"),
                Files.readString(Path.of(endpoints.object("agent").text("config")))
                        .replaceAll("(?m)^listen.port = .*", "listen.port = 0")
                        .replaceAll("(?m)^state.dir = .*", "state.dir = second-agent"));
        background(take(commands, "deploy/bin/tallystick-agent run"), "second-agent.log");
        Rest operator = Rest.at(
                        java.net.URI.create(endpoints.object("aggregator").text("url")))
                .with(token);
        String enrollment = operator.get("/v1/enrollments").expect(200).json().objects("items").stream()
                .filter(e -> e.text("instance").equals(endpoints.text("instance")))
                .findFirst()
                .orElseThrow()
                .text("id");
        String thumbprint = Await.value(PATIENCE, () -> operator.get("/v1/enrollments/" + enrollment)
                        .expect(200)
                        .json()
                        .optionalText("contested"))
                .orElseThrow();
        List<String> approval = List.of(
                block("    curl -sS \"$URL/v1/enrollments/$ENROLLMENT\"").split("\n", 2));
        Map<String, String> dispute = Map.of(
                "URL", endpoints.object("aggregator").text("url"),
                "TOKEN", token,
                "ENROLLMENT", enrollment,
                "THUMBPRINT", thumbprint);
        assertTrue(paste(approval.get(0), dispute).contains(thumbprint));
        paste(approval.get(1), dispute);
        assertFalse(
                operator.get("/v1/enrollments/" + enrollment).expect(200).text().contains("\"contested\":\""));

        assertTrue(paste(take(commands, "deploy/bin/tallystick-aggregator audit verify"), Map.of())
                .contains("head"));
        paste(take(commands, "deploy/bin/tallystick-aggregator audit rebuild"), Map.of());
        assertTrue(paste(take(commands, "deploy/bin/tallystick-aggregator audit archive"), Map.of())
                .contains("nothing to archive"));
        assertTrue(paste(take(commands, "deploy/bin/tallystick-aggregator audit verify"), Map.of())
                .contains("ok: 0 archives"));
        paste(take(commands, "deploy/bin/tallystick-aggregator audit rebuild"), Map.of());
        assertEquals(List.of(), commands, "commands of the guide that nothing runs");
    }

    private static String take(List<String> commands, String start) {
        String found = commands.stream()
                .filter(c -> c.startsWith(start))
                .findFirst()
                .orElseThrow(() ->
                        new AssertionError("operations.md has no command that starts with " + start + ": " + commands));
        commands.remove(found);
        return found;
    }

    /** Starts a command that goes on until it is told to end; answers when it listens. */
    private void background(String command, String log) throws Exception {
        Process process = new ProcessBuilder("bash", "-c", "exec " + command)
                .directory(dir.toFile())
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve(log).toFile())
                .start();
        started.add(process);
        boolean listens =
                Await.until(PATIENCE, () -> !process.isAlive() || said(log).contains("listening on"));
        assertTrue(listens && process.isAlive(), () -> command + "\n" + said(log));
    }

    private static List<String> guide() throws IOException {
        return Files.readAllLines(Path.of(System.getProperty("tallystick.root"), "docs", "operations.md"));
    }

    /** The indented block of the guide that begins with this line. */
    private static String block(String firstLine) throws IOException {
        List<String> guide = guide();
        int from = 0;
        while (!guide.get(from).startsWith(firstLine)) {
            from++;
        }
        int to = from;
        while (guide.get(to).startsWith("    ")) {
            to++;
        }
        return String.join("\n", guide.subList(from, to));
    }

    /** What came, or nothing where the command failed. */
    private String pasted(String script, Map<String, String> environment) {
        try {
            return paste(script, environment);
        } catch (Exception | AssertionError e) {
            return "";
        }
    }

    private String paste(String script, Map<String, String> environment) throws Exception {
        ProcessBuilder bash = new ProcessBuilder("bash", "-euo", "pipefail", "-c", script).directory(dir.toFile());
        bash.environment().putAll(environment);
        Path out = dir.resolve("pasted.txt");
        Process process =
                bash.redirectErrorStream(true).redirectOutput(out.toFile()).start();
        assertTrue(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), script);
        String said = Files.readString(out);
        assertEquals(0, process.exitValue(), () -> script + "\n" + said);
        return said;
    }

    private Process start(String log) throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dtallystick.root=" + System.getProperty("tallystick.root"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "io.tallystick.sandbox.Sandbox",
                        "--ports",
                        "auto",
                        "--empty",
                        "--dir",
                        dir.resolve("run").toString())
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve(log).toFile())
                .start();
        started.add(process);
        return process;
    }

    /** Waits until the sandbox says it runs; answers what it wrote for people to use. */
    private Doc endpoints(String log) throws IOException {
        Process process = started.get(started.size() - 1);
        boolean runs =
                Await.until(PATIENCE, () -> !process.isAlive() || said(log).contains("The sandbox is running"));
        assertTrue(runs && process.isAlive(), () -> said(log));
        return Doc.parse(Files.readString(dir.resolve("run").resolve(Endpoints.FILE)));
    }

    private String said(String log) {
        try {
            return Files.readString(dir.resolve(log));
        } catch (IOException e) {
            return "";
        }
    }
}
