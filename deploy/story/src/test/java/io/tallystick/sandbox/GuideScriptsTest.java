package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.time.SandboxClock;
import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the sandbox prints to try, and the scripts of docs/operations.md, as somebody would paste them. */
class GuideScriptsTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @SuppressWarnings("NullAway.Init")
    private SandboxProgram sandbox;

    @BeforeEach
    void open() {
        sandbox = new SandboxProgram(dir);
    }

    @AfterEach
    void end() throws IOException, InterruptedException {
        sandbox.end();
    }

    @Test
    @NeedsTool({"curl", "openssl"})
    void theLinesItPrintsAndTheScriptsOfTheOperationsGuideWorkWhenPasted() throws Exception {
        sandbox.start("sandbox.log");
        Doc endpoints = sandbox.endpoints("sandbox.log");
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
        pasteTheReports(functions, money, endpoints);
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
        List<String> lines = List.of(
                SandboxProgram.block("    curl -sS \"$URL/v1/reports?seller").split("\n"));
        SandboxClock.advance(clock, Duration.ofDays(2));
        String made = Await.value(SandboxProgram.PATIENCE, () -> {
                    String answer = pasted(functions + "\n" + lines.get(1), reader);
                    return answer.contains("\"sha256\"") ? Optional.of(answer) : Optional.empty();
                })
                .orElseThrow();
        assertTrue(sandbox.paste(lines.get(0), reader).contains(Doc.parse(made).text("id")));
        reader.put("REPORT", Doc.parse(made).text("id"));
        sandbox.paste(lines.get(2), reader);
        assertTrue(Files.readString(dir.resolve("report.csv")).startsWith("Customer Reference ID,"));
    }

    /** What came, or nothing where the command failed. */
    private String pasted(String script, Map<String, String> environment) {
        try {
            return sandbox.paste(script, environment);
        } catch (Exception | AssertionError e) {
            return "";
        }
    }
}
