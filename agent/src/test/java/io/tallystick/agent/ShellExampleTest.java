package io.tallystick.agent;

import com.fasterxml.jackson.core.JsonFactory;
import io.tallystick.agent.app.Main;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.testkit.NeedsTool;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;

@NeedsTool({"bash", "awk"})
class ShellExampleTest extends ExampleContract {
    @Override
    List<String> command() {
        return List.of("bash", Example.folder().resolve("shell/example.sh").toString());
    }

    @Override
    Map<String, String> environment() throws IOException {
        return Map.of("TALLYSTICK_AGENT_CLI", launcher(dir).toString());
    }

    /** The agent's command, as a file in this folder. */
    static Path launcher(Path dir) throws IOException {
        Path cli = dir.resolve("tallystick-agent");
        if (!Files.exists(cli)) {
            String java =
                    Path.of(System.getProperty("java.home"), "bin", "java").toString();
            Files.writeString(
                    cli,
                    "#!/usr/bin/env bash\nexec '" + java
                            + "' -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -cp '" + jars() + "' "
                            + Main.class.getName() + " \"$@\"\n");
            Files.setPosixFilePermissions(cli, PosixFilePermissions.fromString("rwx------"));
        }
        return cli;
    }

    /** What the commands need of what is installed with the agent. */
    private static String jars() {
        return Stream.of(Main.class, ErrorCode.class, CommandLine.class, JsonFactory.class)
                .map(c -> c.getProtectionDomain().getCodeSource().getLocation().getPath())
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** Each call starts a JVM: one code of each exit code of {@code meter}. */
    @Override
    List<ErrorCode> shown() {
        return List.of(ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_DIMENSION, ErrorCode.NO_AGREEMENT);
    }
}
