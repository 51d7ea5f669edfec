package io.tallystick.sandbox;

import io.tallystick.client.AgentClient;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** A vendor's whole program, {@code deploy/examples/java}: checks with a nonce, works, meters, ends. */
final class ExampleRun {
    private static final int UNITS = 3;

    private ExampleRun() {}

    static void play(Scene scene, Agent agent, String instance) {
        Marketplace market = scene.market();
        String keys = "conf/issuer-keys.json";
        market.folder()
                .write(
                        keys,
                        market.rest().get("/.well-known/jwks.json").expect(200).text());
        ProcessBuilder b = new ProcessBuilder(command(market.programs().root())).redirectErrorStream(true);
        b.environment().put("TALLYSTICK_AGENT_URL", agent.url().toString());
        b.environment().put("TALLYSTICK_ISSUER", market.aggregatorUrl().toString());
        b.environment().put("TALLYSTICK_ISSUER_KEYS", market.folder().file(keys).toString());
        b.environment().put("TALLYSTICK_PRODUCT", scene.seed().productCode());
        b.environment().put("EXAMPLE_UNITS", Integer.toString(UNITS));
        b.environment().put("EXAMPLE_PAUSE_MS", "10");
        Instant before = market.now();
        try {
            Process program = b.start();
            String said = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Expect.that(program.waitFor() == 0, "the example exits 0", said);
            Expect.that(said.startsWith("ALLOW (ENTITLED)"), "the example allowed to work", said);
        } catch (IOException e) {
            throw new Trouble("cannot run the example: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the example ran", e);
        }
        // It takes the time itself, as the command line does.
        scene.acknowledged(instance, Seed.REQUESTS, Integer.toString(UNITS), before);
        scene.tell()
                .did(
                        "deploy/examples/java: a program that verifies lease and nonce by the client, then works",
                        "allowed; " + UNITS + " units of work, each metered with a key of its own");
    }

    private static List<String> command(Path root) {
        try {
            String client = Path.of(AgentClient.class
                            .getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI())
                    .toString();
            return List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    client,
                    root.resolve("deploy/examples/java/Example.java").toString());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
