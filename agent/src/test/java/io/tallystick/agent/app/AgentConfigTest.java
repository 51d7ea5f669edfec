package io.tallystick.agent.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.error.Failure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class AgentConfigTest {
    private static final Path FULL = Path.of(System.getProperty("tallystick.root"), "deploy", "agent-full.conf");

    private static final String AGGREGATOR = "aggregator.url=https://a.example";
    private static final String STATE = "state.dir=/x";

    private static AgentConfig read(String... settings) {
        return AgentConfig.read(ConfigFile.empty().with(List.of(settings), Path.of("/")));
    }

    private static Set<String> problems(String... settings) {
        Failure f = assertThrows(Failure.class, () -> read(settings));
        return f.problems().stream().map(Failure.Problem::path).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void theReferenceFileListsEveryKeyAndNoOther() throws Exception {
        AgentConfig c = AgentConfig.read(ConfigFile.read(FULL));
        Set<String> listed = Pattern.compile("(?m)^#?([a-z][a-z.-]*) =")
                .matcher(Files.readString(FULL))
                .results()
                .map((MatchResult m) -> m.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(new TreeSet<>(c.keys()), listed);
    }

    @Test
    void allProblemsAreToldAtOnce() {
        assertEquals(
                Set.of("aggregator.url", "listen.host", "listen.port", "nonsense", "state.dir", "metadata.url"),
                problems(
                        "aggregator.url=http://example.com",
                        "listen.host=93.184.216.34",
                        "listen.port=70000",
                        "nonsense=1",
                        "metadata.url=http://127.0.0.1:1"));
    }

    @Test
    void theMovableClockNeedsTheSandboxAndLoopbackOnBothSides() {
        assertEquals(
                Set.of("sandbox.clock-file"),
                problems("aggregator.url=https://a.example", "state.dir=/x", "sandbox.clock-file=/c"));
        assertEquals(
                Set.of("sandbox.clock-file"),
                problems(
                        "aggregator.url=https://a.example",
                        "state.dir=/x",
                        "sandbox=true",
                        "metadata.url=http://127.0.0.1:1",
                        "sandbox.clock-file=/c"));
        assertEquals(
                Set.of("sandbox.clock-file"),
                problems("aggregator.url=http://127.0.0.1:1", "state.dir=/x", "sandbox=true", "sandbox.clock-file=/c"));
        assertTrue(read(
                        "aggregator.url=http://127.0.0.1:1",
                        "metadata.url=http://127.0.0.1:2",
                        "state.dir=/x",
                        "sandbox=true",
                        "sandbox.clock-file=/c")
                .clockFile()
                .isPresent());
    }

    @Test
    void aNameThatLooksLikeLoopbackIsNot() {
        for (String host : List.of("localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1")) {
            assertEquals(Set.of("aggregator.url"), problems("aggregator.url=http://" + host, "state.dir=/x"), host);
        }
    }

    @Test
    void beyondLoopbackItListensOnPrivateAddressesWithALongTokenOnly() throws Exception {
        Path folder = Files.createTempDirectory("token");
        String good = "token.file=" + Files.writeString(folder.resolve("good"), "0123456789abcdef".repeat(2));
        String weak = "token.file="
                + Files.writeString(
                        folder.resolve("weak"), "0123456789abcdef".repeat(2).substring(1));
        String names = "listen.names=agent.internal:8793";
        for (String host : List.of("172.17.0.1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1", "fd00::1")) {
            read(AGGREGATOR, STATE, "listen.host=" + host, good);
            assertEquals(Set.of("listen.host"), problems(AGGREGATOR, STATE, "listen.host=" + host), host);
            assertEquals(Set.of("token.file"), problems(AGGREGATOR, STATE, "listen.host=" + host, weak), host);
        }
        for (String host : List.of("93.184.216.34", "2001:db8::1", "100.128.0.1", "172.32.0.1", "agent.internal")) {
            assertEquals(Set.of("listen.host"), problems(AGGREGATOR, STATE, "listen.host=" + host, good, names), host);
        }
        read(AGGREGATOR, STATE, "listen.host=0.0.0.0", good, names);
        assertEquals(Set.of("listen.host"), problems(AGGREGATOR, STATE, "listen.host=0.0.0.0", good));
        assertEquals(Set.of("listen.host"), problems(AGGREGATOR, STATE, "listen.host=0.0.0.0", names));
        read(AGGREGATOR, STATE, "listen.host=127.0.0.2");
        read(AGGREGATOR, STATE, "listen.host=localhost");
    }
}
