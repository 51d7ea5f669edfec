package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Decision;
import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** AWS's own clients, unmodified: one variable in their environment points them at the agent. */
class AwsClientsTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    /** What a process printed, and how it ended. */
    private record Ran(int exit, String out, String err) {}

    /** Runs a program with nothing in its environment but what an instance role would give, and the agent's address. */
    private Ran run(String endpoint, List<String> command) throws IOException, InterruptedException {
        Path out = Files.createTempFile(dir, "out", "");
        Path err = Files.createTempFile(dir, "err", "");
        ProcessBuilder b =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        Map<String, String> environment = b.environment();
        String path = environment.getOrDefault("PATH", "/usr/bin:/bin");
        environment.clear();
        environment.put("PATH", path);
        environment.put("HOME", dir.toString());
        environment.put("AWS_REGION", "eu-west-3");
        environment.put("AWS_DEFAULT_REGION", "eu-west-3");
        environment.put("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
        environment.put("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        environment.put("AWS_ENDPOINT_URL_MARKETPLACE_METERING", endpoint);
        Process p = b.start();
        assertTrue(p.waitFor(60, TimeUnit.SECONDS), () -> command + " hangs");
        return new Ran(p.exitValue(), Files.readString(out), Files.readString(err));
    }

    private List<String> sdk(Rig.Running agent, String... calls) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                AwsVendor.class.getName()));
        command.addAll(List.of(calls));
        Ran ran = run(agent.agent.endpoint(), command);
        assertEquals(0, ran.exit(), ran.err());
        // Whatever logs to standard output is not an answer.
        return ran.out()
                .lines()
                .filter(l -> l.startsWith(AwsVendor.ANSWER))
                .map(l -> l.substring(AwsVendor.ANSWER.length()))
                .toList();
    }

    @Test
    void theJavaSdkMetersAndKnowsEveryErrorByItsClass() throws Exception {
        try (Rig rig = new Rig(dir)) {
            AwsDoorTest.midHour(rig);
            rig.aggregator.dimension("users", Optional.empty());
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            long now = rig.time.instant().getEpochSecond();
            String hour = "meter " + Rig.CODE + " " + now + " requests ";
            String before = "meter " + Rig.CODE + " " + (now - 3_600) + " requests ";
            List<String> answers = sdk(
                    agent,
                    hour + "3",
                    hour + "3",
                    hour + "4",
                    before + "5 token=t-1 part=2:team:a part=3",
                    hour + "5 token=t-1",
                    "meter " + Rig.CODE + " " + (now - 6 * 3_600 - 60) + " requests 1",
                    "meter other " + now + " requests 1",
                    "meter " + Rig.CODE + " " + now + " nonsense 1",
                    hour + "3 part=2:team:a",
                    hour + "3 part=3:te?am:a",
                    "meter " + Rig.CODE + " " + now + " users 1 dry-run");
            assertEquals(answers.get(0), answers.get(1));
            assertTrue(answers.get(0).matches("[0-9a-f-]{36}"), answers.get(0));
            assertTrue(answers.get(3).matches("[0-9a-f-]{36}"), answers.get(3));
            assertEquals(
                    List.of(
                            "DuplicateRequestException DuplicateRequestException 400 request-id 1",
                            "IdempotencyConflictException IdempotencyConflictException 409 request-id 1",
                            "TimestampOutOfBoundsException TimestampOutOfBoundsException 400 request-id 1",
                            "InvalidProductCodeException InvalidProductCodeException 400 request-id 1",
                            "InvalidUsageDimensionException InvalidUsageDimensionException 400 request-id 1",
                            "InvalidUsageAllocationsException InvalidUsageAllocationsException 400 request-id 1",
                            "InvalidTagException InvalidTagException 400 request-id 1",
                            "MarketplaceMeteringException DryRunOperation 400 request-id 1"),
                    List.of(
                            answers.get(2),
                            answers.get(4),
                            answers.get(5),
                            answers.get(6),
                            answers.get(7),
                            answers.get(8),
                            answers.get(9),
                            answers.get(10)));
            agent.drained();
            assertEquals(Quantity.of(8), rig.aggregator.total("requests"));
            assertEquals(2, rig.aggregator.slots().size());
        }
    }

    @Test
    void theJavaSdkTriesAgainWhileTheAgentKnowsNothingAndNotWhereTheVmIsDenied() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.away(true);
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENROLLING");
            String call = "meter " + Rig.CODE + " " + rig.time.instant().getEpochSecond() + " requests 1";
            assertEquals(
                    List.of("InternalServiceErrorException InternalServiceErrorException 500 request-id 4"),
                    sdk(agent, call));
            rig.aggregator.outcome(Decision.Outcome.DENY);
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(2));
            agent.untilState("DENIED");
            assertEquals(
                    List.of(
                            "CustomerNotEntitledException CustomerNotEntitledException 400 request-id 1",
                            "MarketplaceMeteringException UnauthorizedException 400 request-id 1"),
                    sdk(agent, call, call + " dry-run"));
        }
    }

    @Test
    void theJavaSdkRegistersAndGetsTheSignatureOfTheAggregator() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Instant rotated = rig.time.instant().truncatedTo(ChronoUnit.SECONDS);
            rig.aggregator.registrationKey(1, Optional.of(rotated));
            rig.aggregator.registrationKey(2, Optional.empty());
            List<String> answers = sdk(
                    agent,
                    "register " + Rig.CODE + " 2 n-1",
                    "register " + Rig.CODE + " 1 n-2",
                    "register " + Rig.CODE + " 3 n-3",
                    "register other 1 n-4");
            assertEquals(Rig.CODE + " 2 n-1 null", answers.get(0));
            assertEquals(Rig.CODE + " 1 n-2 " + rotated, answers.get(1));
            assertEquals(
                    List.of(
                            "InvalidPublicKeyVersionException InvalidPublicKeyVersionException 400 request-id 1",
                            "InvalidProductCodeException InvalidProductCodeException 400 request-id 1"),
                    answers.subList(2, 4));
            rig.aggregator.outcome(Decision.Outcome.DENY);
            assertEquals(
                    List.of("CustomerNotEntitledException CustomerNotEntitledException 400 request-id 1"),
                    sdk(agent, "register " + Rig.CODE + " 2 n-5"));
            rig.aggregator.away(true);
            assertEquals(
                    List.of("ThrottlingException ThrottlingException 400 request-id 4"),
                    sdk(agent, "register " + Rig.CODE + " 2 n-6"));
        }
    }

    private static String example(String name) throws IOException {
        Path page = Path.of(System.getProperty("tallystick.root"), "docs", "from-aws.md");
        Matcher m = Pattern.compile("<!-- run: " + name + " -->\n```sh\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(page));
        assertTrue(m.find(), "docs/from-aws.md has no example " + name);
        return m.group(1);
    }

    /** Pasted into a shell, with this agent's address and product code. */
    private Ran paste(Rig.Running agent, String example) throws Exception {
        String script =
                example.replace("http://127.0.0.1:8793", agent.agent.endpoint()).replace("4b9oexample0code", Rig.CODE);
        return run(agent.agent.endpoint(), List.of("sh", "-c", script));
    }

    @Test
    @NeedsTool({"aws", "curl"})
    void thePagesCommandsMeterOneAndTheSameRecord() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Ran cli = paste(agent, example("cli"));
            assertEquals(0, cli.exit(), cli.err());
            Ran curl = paste(agent, example("curl"));
            assertEquals(0, curl.exit(), curl.err());
            for (Ran ran : List.of(cli, curl)) {
                assertTrue(
                        Json.parseObject(ran.out().getBytes(StandardCharsets.UTF_8))
                                .containsKey("MeteringRecordId"),
                        ran.out());
            }
            agent.drained();
            assertTrue(rig.aggregator.slots().size() >= 1);
        }
    }

    @Test
    void thePageNamesEveryErrorTheDoorMakes() throws Exception {
        String page = Files.readString(Path.of(System.getProperty("tallystick.root"), "docs", "from-aws.md"));
        Path sources =
                Path.of(System.getProperty("tallystick.root"), "agent/src/main/java/io/tallystick/agent/awsdoor");
        Set<String> made = new TreeSet<>();
        try (Stream<Path> files = Files.list(sources)) {
            for (Path file : files.toList()) {
                Pattern.compile("\"([A-Z][A-Za-z]+Exception|DryRunOperation)\"")
                        .matcher(Files.readString(file))
                        .results()
                        .forEach(r -> made.add(r.group(1)));
            }
        }
        assertTrue(made.size() > 12, made.toString());
        // Of HTTP rather than of the service.
        made.removeAll(Set.of("AccessDeniedException", "RequestEntityTooLargeException"));
        made.removeIf(name -> page.contains("`" + name + "`"));
        assertEquals(Set.of(), made, "errors docs/from-aws.md does not know");
    }

    @Test
    @NeedsTool("aws")
    void theCommandLineClientMeters() throws Exception {
        try (Rig rig = new Rig(dir)) {
            AwsDoorTest.midHour(rig);
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Ran first = cli(rig, agent, "3");
            assertEquals(0, first.exit(), first.err());
            Object id = Json.parseObject(first.out().getBytes(StandardCharsets.UTF_8))
                    .get("MeteringRecordId");
            Ran again = cli(rig, agent, "3");
            assertEquals(
                    id,
                    Json.parseObject(again.out().getBytes(StandardCharsets.UTF_8))
                            .get("MeteringRecordId"));
            Ran other = cli(rig, agent, "4");
            assertNotEquals(0, other.exit());
            assertTrue(other.err().contains("(DuplicateRequestException)"), other.err());
            agent.drained();
            assertEquals(Quantity.of(3), rig.aggregator.total("requests"));
        }
    }

    /** The endpoint as an option: Debian's version is older than the variable. */
    private Ran cli(Rig rig, Rig.Running agent, String quantity) throws Exception {
        return run(
                agent.agent.endpoint(),
                List.of(
                        "aws",
                        "meteringmarketplace",
                        "meter-usage",
                        "--endpoint-url",
                        agent.agent.endpoint(),
                        "--product-code",
                        Rig.CODE,
                        "--timestamp",
                        rig.time.instant().truncatedTo(ChronoUnit.SECONDS).toString(),
                        "--usage-dimension",
                        "requests",
                        "--usage-quantity",
                        quantity,
                        "--output",
                        "json"));
    }
}
