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
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** docs/operations.md, as somebody would paste it beside a sandbox that runs. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class GuideTest {
    @TempDir
    static Path dir = Path.of("");

    @SuppressWarnings("NullAway.Init")
    private static SandboxProgram sandbox;

    @SuppressWarnings("NullAway.Init")
    private static Doc endpoints;

    @BeforeAll
    static void open() throws IOException {
        sandbox = new SandboxProgram(dir);
        sandbox.start("sandbox.log");
        endpoints = sandbox.endpoints("sandbox.log");
    }

    @AfterAll
    static void end() throws IOException, InterruptedException {
        for (String link : List.of("deploy", "opt/tallystick/bin", "opt/tallystick-aggregator")) {
            Files.deleteIfExists(dir.resolve(link));
        }
        sandbox.end();
    }

    /** What the sandbox prints to try, and the scripts of the guide. */
    @Test
    @Order(1)
    @NeedsTool({"curl", "openssl"})
    void theLinesItPrintsAndTheScriptsOfTheOperationsGuideWorkWhenPasted() throws Exception {
        List<String> printed = sandbox.said("sandbox.log")
                .lines()
                .filter(line -> line.startsWith("  curl "))
                .toList();
        assertTrue(printed.size() >= 5, printed.toString());
        for (String line : printed) {
            String answer = sandbox.paste(line, Map.of());
            assertFalse(answer.contains("urn:tallystick:problem"), () -> line + " answered " + answer);
        }

        Map<String, String> operator = Map.of(
                "URL", endpoints.object("aggregator").text("url"),
                "TOKEN", endpoints.object("operator").text("token"),
                "CODE", "an-example-of-operations-md");
        String agreement = sandbox.paste(SandboxProgram.block("    post() {"), operator);
        assertTrue(agreement.contains("\"acceptedAt\""), agreement);
        String user = sandbox.paste(
                SandboxProgram.block(
                        "    curl -sS -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json'"
                                + " \"$URL/v1/users\""),
                Map.of(
                        "URL", operator.get("URL"),
                        "TOKEN", operator.get("TOKEN"),
                        "SELLER", endpoints.object("seller").text("account")));
        assertTrue(user.contains("\"password\":\""), user);
        sandbox.paste(SandboxProgram.block("    AFTER=0.0"), operator);
        String functions = SandboxProgram.block("    post() {").lines().limit(2).collect(Collectors.joining("\n"));
        Map<String, String> money = new HashMap<>(operator);
        money.put(
                "PRODUCT",
                Doc.parse(agreement.substring(agreement.lastIndexOf("{\"id\""))).text("product"));
        String offer = sandbox.paste(functions + "\n" + SandboxProgram.block("    OFFER=$(post"), money);
        assertTrue(offer.contains("\"rate\":2") && offer.contains("0.0001"), offer);
        assertTrue(sandbox.paste(SandboxProgram.block("    for path in charges"), operator)
                .contains("BilledCost"));
        assertTrue(Files.exists(dir.resolve("page.ndjson")));
        pasteWhatBuyersAtOutscaleNeed(
                functions, money, Doc.parse(agreement.substring(agreement.lastIndexOf("{\"id\""))));
        pasteAYearlyAgreement(functions, money);
        pasteTheReports(functions, money);
    }

    private void pasteAYearlyAgreement(String functions, Map<String, String> operator) throws Exception {
        Map<String, String> money = new HashMap<>(operator);
        money.put(
                "BUYER",
                Rest.at(java.net.URI.create(operator.get("URL")))
                        .with(operator.get("TOKEN"))
                        .post("/v1/accounts", Map.of("kind", "buyer", "name", "Buys by the year"))
                        .expect(201)
                        .json()
                        .text("id"));
        String bought = sandbox.paste(functions + "\n" + SandboxProgram.block("    YEARLY=$(post"), money);
        // A quote, the purchase, its amendment, and the list of the latter two. Over the hour the amendment costs one
        // hour less.
        assertTrue(
                bought.split("\"amount\":\"4500.00\"", -1).length == 4
                        && bought.split("\"amount\":\"(3000.00|2999.66)\"", -1).length == 3,
                bought);
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
        String code = sandbox.paste(functions + "\n" + SandboxProgram.block("    post /v1/join-codes"), buyer);
        assertTrue(code.contains("\"code\":\"jc-"), code);
        String key = sandbox.paste(functions + "\n" + SandboxProgram.block("    post /v1/cloud-keys"), buyer);
        assertTrue(key.contains(cloudAccount) && !key.contains(buyer.get("SECRET_KEY")), key);
    }

    /** The report of a day can be made once the day's last hour is posted. */
    private void pasteTheReports(String functions, Map<String, String> operator) throws Exception {
        Map<String, String> reader = new HashMap<>(operator);
        reader.put("SELLER", endpoints.object("seller").text("account"));
        Path clock = dir.resolve("run").resolve("clock");
        reader.put(
                "DAY",
                new SandboxClock(clock, InstantSource.system())
                        .instant()
                        .toString()
                        .substring(0, 10));
        List<String> lines = List.of(
                SandboxProgram.block("    curl -sS \"$URL/v1/reports?seller").split("\n"));
        SandboxClock.advance(clock, Duration.ofDays(2));
        AtomicReference<String> last = new AtomicReference<>("");
        String made = Await.value(SandboxProgram.PATIENCE, () -> {
                    last.set(pasted(functions + "\n" + lines.get(1), reader));
                    return last.get().contains("\"sha256\"") ? Optional.of(last.get()) : Optional.empty();
                })
                .orElseThrow(() -> new AssertionError("no report of " + reader.get("DAY") + ": " + last.get()));
        assertTrue(sandbox.paste(lines.get(0), reader).contains(Doc.parse(made).text("id")));
        reader.put("REPORT", Doc.parse(made).text("id"));
        sandbox.paste(lines.get(2), reader);
        assertTrue(Files.readString(dir.resolve("report.csv")).startsWith("Customer Reference ID,"));
    }

    /** What came, or why the command failed. */
    private String pasted(String script, Map<String, String> environment) {
        try {
            return sandbox.paste(script, environment);
        } catch (Exception | AssertionError e) {
            return e.toString();
        }
    }

    /**
     * Every command line of the guide that is not part of a script, each once and as it stands there. After the scripts: it
     * leaves the sandbox with another agent.
     */
    @Test
    @Order(2)
    @NeedsTool("curl")
    void theCommandsOfTheOperationsGuideWorkWhenPasted() throws Exception {
        Path root = Path.of(System.getProperty("tallystick.root"));
        Files.createSymbolicLink(dir.resolve("deploy"), root.resolve("deploy"));
        Path opt = Files.createDirectory(dir.resolve("opt"));
        Files.createSymbolicLink(
                Files.createDirectory(opt.resolve("tallystick")).resolve("bin"), root.resolve("deploy/bin"));
        Files.createSymbolicLink(opt.resolve("tallystick-aggregator"), root.resolve("aggregator/target/app"));
        List<String> commands = new ArrayList<>(SandboxProgram.guide().stream()
                .filter(line -> line.matches("    \\S*(deploy/bin/|_HOME=).*|    \\(umask.*"))
                .map(String::strip)
                .toList());

        String home = take(commands, "TALLYSTICK_AGGREGATOR_HOME=").replace("/opt/", opt + "/");
        assertTrue(sandbox.paste(home, Map.of()).contains("serve"));
        sandbox.paste(take(commands, "(umask "), Map.of());
        assertEquals(
                "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("wrapping-key"))));

        // A second process beside the sandbox's, on its database.
        Files.writeString(
                dir.resolve("aggregator.conf"),
                Files.readString(Path.of(endpoints.object("aggregator").text("config")))
                        .replaceAll("(?m)^listen.port = .*", "listen.port = 0"));
        assertTrue(sandbox.paste(take(commands, "deploy/bin/tallystick-aggregator migrate"), Map.of())
                .contains("applied 0 migrations"));
        sandbox.background(take(commands, "deploy/bin/tallystick-aggregator serve"), "serve.log");
        String token = sandbox.paste(take(commands, "TOKEN=") + "; printf '%s' \"$TOKEN\"", Map.of());
        String password = sandbox.paste(take(commands, "deploy/bin/tallystick-aggregator user create"), Map.of());
        assertTrue(password.lines().anyMatch(line -> line.matches("[a-z0-9]{20}")), password);

        // The sandbox's own agent, and a second one that asks for the same instance: contested.
        Map<String, String> vm = Map.of(
                "TALLYSTICK_AGENT_URL", endpoints.object("agent").text("url"), "KEY", "pasted from operations.md");
        sandbox.paste(take(commands, "deploy/bin/tallystick-agent verify"), vm);
        sandbox.paste(take(commands, "deploy/bin/tallystick-agent meter"), vm);
        assertTrue(sandbox.paste(take(commands, "deploy/bin/tallystick-agent status"), vm)
                .contains("ENTITLED"));
        Files.writeString(
                dir.resolve("agent.conf"),
                Files.readString(Path.of(endpoints.object("agent").text("config")))
                        .replaceAll("(?m)^listen.port = .*", "listen.port = 0")
                        .replaceAll("(?m)^state.dir = .*", "state.dir = second-agent"));
        sandbox.background(take(commands, "deploy/bin/tallystick-agent run"), "second-agent.log");
        Rest operator = Rest.at(
                        java.net.URI.create(endpoints.object("aggregator").text("url")))
                .with(token);
        String enrollment = operator.get("/v1/enrollments").expect(200).json().objects("items").stream()
                .filter(e -> e.text("instance").equals(endpoints.text("instance")))
                .findFirst()
                .orElseThrow()
                .text("id");
        String thumbprint = Await.value(SandboxProgram.PATIENCE, () -> operator.get("/v1/enrollments/" + enrollment)
                        .expect(200)
                        .json()
                        .optionalText("contested"))
                .orElseThrow();
        List<String> approval = List.of(SandboxProgram.block("    curl -sS \"$URL/v1/enrollments/$ENROLLMENT\"")
                .split("\n", 2));
        Map<String, String> dispute = Map.of(
                "URL", endpoints.object("aggregator").text("url"),
                "TOKEN", token,
                "ENROLLMENT", enrollment,
                "THUMBPRINT", thumbprint);
        assertTrue(sandbox.paste(approval.get(0), dispute).contains(thumbprint));
        sandbox.paste(approval.get(1), dispute);
        assertFalse(
                operator.get("/v1/enrollments/" + enrollment).expect(200).text().contains("\"contested\":\""));

        assertTrue(sandbox.paste(take(commands, "deploy/bin/tallystick-aggregator audit verify"), Map.of())
                .contains("head"));
        sandbox.paste(take(commands, "deploy/bin/tallystick-aggregator audit rebuild"), Map.of());
        assertTrue(sandbox.paste(take(commands, "deploy/bin/tallystick-aggregator audit archive"), Map.of())
                .contains("nothing to archive"));
        assertTrue(sandbox.paste(take(commands, "deploy/bin/tallystick-aggregator audit verify"), Map.of())
                .contains("ok: 0 archives"));
        sandbox.paste(take(commands, "deploy/bin/tallystick-aggregator audit rebuild"), Map.of());
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
}
