package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.app.AgentConfig;
import io.tallystick.client.AgentClient;
import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.testkit.NeedsTool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/vendors.md tells vendors works when pasted, and its table of reason codes is whole. */
class VendorsDocTest {
    private static final Path PAGE = Path.of(System.getProperty("tallystick.root"), "docs", "vendors.md");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static String example(String name) throws Exception {
        Matcher m = Pattern.compile("<!-- run: " + name + " -->\n```[a-z]*\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(PAGE));
        assertTrue(m.find(), "docs/vendors.md has no example " + name);
        return m.group(1);
    }

    @Test
    void theTableHasEveryReasonCodeInOrderWithWhatToDo() throws Exception {
        List<String> lines = Files.readAllLines(PAGE);
        List<String[]> rows = lines.subList(lines.indexOf("## 7. Every reason code"), lines.size()).stream()
                .filter(l -> l.matches("\\| `[a-z-]+` \\|.*"))
                .map(l -> l.split(" *\\| *", -1))
                .filter(r ->
                        r.length == 5 && ErrorCode.ofWire(r[1].replace("`", "")).isPresent())
                .toList();
        assertEquals(
                Arrays.stream(ErrorCode.values()).map(ErrorCode::wire).toList(),
                rows.stream().map(r -> r[1].replace("`", "")).toList());
        for (String[] row : rows) {
            assertTrue(row[2].startsWith("not sent") != (row[3].length() > 5), Arrays.toString(row));
        }
    }

    @Test
    void theSettingsAreAllAnAgentNeeds() throws Exception {
        Path file = Files.writeString(dir.resolve("agent.conf"), example("config"));
        assertEquals(
                "https://metering.example.com",
                AgentConfig.read(ConfigFile.read(file)).aggregatorUrl());
    }

    /** A running agent and what the page's examples are told instead of their constants. */
    private String told(Rig rig, Rig.Running agent, String example) {
        String x = Base64Url.encode(rig.aggregator.jwk().bytes());
        String kid = rig.aggregator.jwk().thumbprint().toString();
        String keys = Json.write(
                Json.object("keys", List.of(Json.object("kty", "OKP", "crv", "Ed25519", "kid", kid, "x", x))));
        try {
            Files.writeString(dir.resolve("keys.json"), keys);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return example.replace("https://metering.example.com", rig.aggregator.url())
                .replace("4b9oexample0code", Rig.CODE)
                .replace("{\\\"keys\\\":[]}", keys.replace("\"", "\\\""))
                .replace("{\"keys\":[]}", keys)
                .replace("/opt/my-program/keys.json", dir.resolve("keys.json").toString())
                .replace("http://127.0.0.1:8793", agent.agent.endpoint());
    }

    private void run(Rig rig, Rig.Running agent, List<String> command, Map<String, String> more) throws Exception {
        Map<String, String> env = new java.util.HashMap<>(more);
        env.put("TALLYSTICK_AGENT_URL", agent.agent.endpoint());
        try (Example example = new Example(command, env)) {
            assertEquals(0, example.exitCode(), example::output);
        }
        // The same key each time: however often it is said, it counts once.
        Rig.until(
                "the example's requests", () -> rig.aggregator.total("requests").equals(Quantity.of(12)));
    }

    @Test
    @NeedsTool({"python3", "curl", "bash"})
    void everyExampleWorksWhenPasted() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            Path start = Files.writeString(dir.resolve("Start.java"), told(rig, agent, example("java")));
            String java =
                    Path.of(System.getProperty("java.home"), "bin", "java").toString();
            String client = AgentClient.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .getPath();
            run(rig, agent, List.of(java, "-cp", client, start.toString()), Map.of());

            Path python = Files.writeString(dir.resolve("start.py"), told(rig, agent, example("python")));
            Map<String, String> path =
                    Map.of("PYTHONPATH", Example.folder().resolve("python").toString());
            run(rig, agent, List.of("python3", "-B", python.toString()), path);

            String bin = ShellExampleTest.launcher(dir).getParent().toString();
            Map<String, String> bins = Map.of("PATH", bin + ":" + System.getenv("PATH"));
            for (String name : List.of("shell", "curl", "curl-usage")) {
                String script = "set -e\n" + told(rig, agent, example(name)).replace("curl -s", "curl -sf");
                run(rig, agent, List.of("bash", "-c", script), bins);
            }
        }
    }
}
