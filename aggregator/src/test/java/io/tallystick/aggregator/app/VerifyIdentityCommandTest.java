package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.enrollment.evidence.AwsDocuments;
import io.tallystick.common.json.Json;
import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class VerifyIdentityCommandTest {
    private static final Clock NOW = Clock.fixed(Instant.parse("2026-11-21T20:00:00Z"), ZoneOffset.UTC);

    @TempDir
    private Path folder = Path.of("");

    private Path trust = Path.of("");
    private Path pkcs7 = Path.of("");
    private Path document = Path.of("");

    private record Run(int exit, String out, String err) {}

    @BeforeEach
    void writeGenuineFiles() throws Exception {
        trust = Files.createDirectory(folder.resolve("trust"));
        pkcs7 = Files.write(folder.resolve("rsa2048"), AwsDocuments.genuineBase64());
        document = Files.write(folder.resolve("document"), AwsDocuments.genuineDocument());
        AwsDocuments.trust(trust);
    }

    @Test
    void acceptedPrintsTheIdentityAndExits0() {
        Run run = run("--pkcs7", pkcs7, "--document", document, "--trust", trust);
        assertEquals(0, run.exit(), run.err());
        assertEquals("", run.err());
        Map<String, Object> json = Json.parseObject(run.out());
        assertEquals(
                List.of(
                        "cloud",
                        "account",
                        "instance",
                        "region",
                        "availabilityZone",
                        "imageId",
                        "instanceType",
                        "architecture",
                        "pendingTime",
                        "productCodes",
                        "evidence",
                        "certificateExpiry",
                        "certificateSha256"),
                List.copyOf(json.keySet()));
        assertEquals("111122223333", json.get("account"));
        assertEquals("attested", json.get("evidence"));
        assertEquals("2026-11-21T20:00:00Z", json.get("pendingTime"));
        assertEquals(List.of("0vg0000000000000000000000"), json.get("productCodes"));
    }

    @Test
    void refusedPrintsRuleAndSentenceOnStandardErrorAndExits1() throws Exception {
        Files.writeString(document, "{}");
        Run run = run("--pkcs7", pkcs7, "--document", document, "--trust", trust);
        assertEquals(1, run.exit());
        assertEquals("", run.out());
        Map<String, Object> json = Json.parseObject(run.err());
        assertEquals("invalid-evidence", json.get("code"));
        assertEquals("document-differs", json.get("rule"));
        assertEquals("the plain document is not, byte for byte, the one that was signed", json.get("detail"));
    }

    @Test
    void shippedAnchorsRefuseWhatTheTestsSigned() {
        Run run = run("--pkcs7", pkcs7);
        assertEquals(1, run.exit());
        assertEquals("pinned-key", Json.parseObject(run.err()).get("rule"));
    }

    @Test
    void expiredAnchorWarnsAndIsAccepted() throws Exception {
        AwsDocuments.trustExpired(trust);
        Run run = run("--pkcs7", pkcs7, "--trust", trust);
        assertEquals(0, run.exit());
        assertEquals(
                "warning: the certificate of us-west-2 ended at 2024-06-05T12:00:00Z; its key is still trusted",
                run.err().strip());
    }

    @Test
    void dashReadsStandardInput() throws Exception {
        Run run = runWithInput(Files.readAllBytes(pkcs7), "--pkcs7", "-", "--trust", trust);
        assertEquals(0, run.exit(), run.err());
    }

    @Test
    void endlessInputIsRefusedBySize() {
        Run run = runWithInput(new byte[1 << 20], "--pkcs7", "-", "--trust", trust);
        assertEquals(1, run.exit());
        assertEquals("size", Json.parseObject(run.err()).get("rule"));
    }

    @Test
    void wrongUsageExits2() throws Exception {
        assertUsage("Missing required option: '--pkcs7=FILE'", run());
        assertUsage("Invalid value for option '--cloud'", runRaw("--cloud", "gcp", "--pkcs7", pkcs7));
        assertUsage("Missing required option: '--cloud=<cloud>'", runRaw("--pkcs7", pkcs7));
        assertUsage("Unknown option: '--key'", run("--pkcs7", pkcs7, "--key"));
        assertUsage("--pkcs7: cannot read", run("--pkcs7", folder.resolve("nowhere")));
        assertUsage("--document: cannot read", run("--pkcs7", pkcs7, "--document", folder));
        assertUsage("cannot both be standard input", run("--pkcs7", "-", "--document", "-"));
    }

    @Test
    void badTrustFolderExits2AndNamesEveryFile() throws Exception {
        Files.writeString(trust.resolve("eu-west-2.pem"), "");
        Files.writeString(trust.resolve("notes.txt"), "");
        Run run = run("--pkcs7", pkcs7, "--trust", trust);
        assertUsage("eu-west-2.pem: must hold", run);
        assertUsage("notes.txt: must be named", run);
    }

    private static void assertUsage(String message, Run run) {
        assertEquals(2, run.exit());
        assertEquals("", run.out());
        assertTrue(run.err().contains(message), run.err());
    }

    private static Run run(Object... args) {
        return runWithInput(new byte[0], args);
    }

    private static Run runWithInput(byte[] stdin, Object... args) {
        List<Object> all = new ArrayList<>(List.of("--cloud", "aws"));
        all.addAll(List.of(args));
        return execute(stdin, all);
    }

    private static Run runRaw(Object... args) {
        return execute(new byte[0], List.of(args));
    }

    private static Run execute(byte[] stdin, List<Object> args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exit = new CommandLine(new VerifyIdentityCommand(NOW, new ByteArrayInputStream(stdin)))
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(args.stream().map(Object::toString).toArray(String[]::new));
        return new Run(exit, out.toString(), err.toString());
    }
}
