package io.tallystick.agent.app;

import io.tallystick.common.config.ConfigFile;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
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
    private static final int EXIT_FAILED = 1;
    private static final Logger LOG = Logger.getLogger(RunCommand.class.getName());

    @Option(names = "--config", paramLabel = "FILE", description = "Settings, see agent-full.conf.")
    private @Nullable Path config;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Overrides one setting; may be repeated.")
    private List<String> settings = List.of();

    @Override
    public Integer call() throws Exception {
        ConfigFile file = config == null ? ConfigFile.empty() : ConfigFile.read(config);
        AgentConfig c = AgentConfig.read(file.with(settings, Path.of("").toAbsolutePath()));
        c.effective().forEach(line -> LOG.log(Level.CONFIG, "{0}", line));
        MachineTime time = new MachineTime(c.clockFile());
        AtomicInteger exit = new AtomicInteger();
        CountDownLatch never = new CountDownLatch(1);
        Agent agent = new Agent(c, time, time.clock(), new SecureRandom(), Main.version(), cause -> {
            // Nothing in this process may be believed any more, least of all about the disk: the next start reads it.
            exit.set(EXIT_FAILED);
            Runtime.getRuntime().halt(EXIT_FAILED);
        });
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            agent.close();
                            // A signal would otherwise make the JVM's exit code 143, which supervisors call a failure.
                            System.out.flush();
                            Runtime.getRuntime().halt(exit.get());
                        },
                        "shutdown"));
        agent.start();
        System.out.println("listening on " + agent.endpoint());
        System.out.flush();
        never.await();
        return 0;
    }
}
