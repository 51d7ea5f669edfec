package io.tallystick.agent;

import io.tallystick.client.AgentClient;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;

/** Compiled by the JDK as it starts, with the client and nothing else on the class path. */
class JavaExampleTest extends ExampleContract {
    @Override
    List<String> command() {
        try {
            Path client = Path.of(AgentClient.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            String java =
                    Path.of(System.getProperty("java.home"), "bin", "java").toString();
            String source = Example.folder().resolve("java/Example.java").toString();
            return List.of(java, "-XX:TieredStopAtLevel=1", "-cp", client.toString(), source);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
