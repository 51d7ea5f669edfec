package io.tallystick.sandbox;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How the parts are run: the launchers of {@code deploy/bin} for what users run too, the program folder for the
 * simulated cloud, which only the sandbox runs.
 *
 * @param root the checkout
 */
public record Programs(Path root) {
    /** Set by the launcher, and by the build for tests. */
    private static final String ROOT_PROPERTY = "tallystick.root";

    public static Programs ofSystem() {
        return Optional.ofNullable(System.getProperty(ROOT_PROPERTY))
                .map(Path::of)
                .map(Programs::new)
                .orElseThrow(() -> new Trouble("start the sandbox with deploy/bin/sandbox"));
    }

    public List<String> aggregator(String... arguments) {
        return launcher("tallystick-aggregator", "aggregator", arguments);
    }

    public List<String> agent(String... arguments) {
        return launcher("tallystick-agent", "agent", arguments);
    }

    List<String> cloudsim(String... arguments) {
        Path lib = built("deploy/cloudsim");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx128m",
                "-Dsun.net.httpserver.nodelay=true",
                "-cp",
                lib + "/*",
                "io.tallystick.cloudsim.CloudsimMain"));
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    /**
     * The simulated clouds of a run folder on this port; the folder keeps their VMs, trust and clock.
     *
     * @param regions whose certificates are there from the start
     */
    public List<String> cloud(RunFolder folder, int port, String... regions) {
        List<String> command = new ArrayList<>(cloudsim(
                "serve",
                "--dir",
                folder.file("cloud").toString(),
                "--port",
                Integer.toString(port),
                "--trust-dir",
                folder.folder("trust").toString(),
                "--clock-file",
                folder.clock().toString()));
        for (String region : regions) {
            command.addAll(List.of("--region", region));
        }
        return command;
    }

    private List<String> launcher(String name, String module, String... arguments) {
        built(module);
        List<String> command =
                new ArrayList<>(List.of(root.resolve("deploy/bin").resolve(name).toString()));
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    private Path built(String module) {
        Path lib = root.resolve(module).resolve("target/app/lib");
        if (!Files.isDirectory(lib)) {
            throw new Trouble(module + " is not built: there is no " + lib
                    + "; run deploy/bin/sandbox, or the whole build with: mvn -B -ntp verify");
        }
        return lib;
    }
}
