package io.tallystick.agent.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "run",
        description =
                "Runs the agent until SIGTERM. Exit code 0 after an orderly stop, 1 if its state file failed or it"
                        + " could no longer answer, 2 for settings that are wrong.",
        mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
    @Option(names = "--config", paramLabel = "FILE", description = "Settings, see agent-full.conf.")
    private @Nullable Path config;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Overrides one setting; may be repeated.")
    private List<String> settings = List.of();

    @Override
    public Integer call() throws Exception {
        return Service.run(Optional.ofNullable(config), settings);
    }
}
