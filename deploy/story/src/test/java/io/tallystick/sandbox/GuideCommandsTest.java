package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every command line of docs/operations.md that is not part of a script, each once and as it stands there. */
class GuideCommandsTest {
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
        for (String link : List.of("deploy", "opt/tallystick/bin", "opt/tallystick-aggregator")) {
            Files.deleteIfExists(dir.resolve(link));
        }
        sandbox.end();
    }

    @Test
    @NeedsTool("curl")
    void theCommandsOfTheOperationsGuideWorkWhenPasted() throws Exception {
        sandbox.start("sandbox.log");
        Doc endpoints = sandbox.endpoints("sandbox.log");
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
