package io.tallystick.agent.app;

import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.error.Failure;
import java.io.PrintStream;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The agent as a service. Apart from the command line's library, which a service does not need once it runs: its options
 * are read by hand where they are plain, which saves a third of the start and some megabytes for as long as it lives.
 */
final class Service {
    private static final int EXIT_FAILED = 1;
    /** As the command line's library has it. */
    private static final int EXIT_INVALID = 2;

    private static final Logger LOG = Logger.getLogger(Service.class.getName());

    private Service() {}

    /** {@code run} with {@code --config FILE} and {@code --set KEY=VALUE}, as services write them. */
    record Plain(Optional<Path> config, List<String> settings) {
        /** Empty for anything else, help and mistakes included. */
        static Optional<Plain> parse(String... args) {
            Optional<Path> config = Optional.empty();
            List<String> settings = new ArrayList<>();
            if (args.length % 2 == 0 || !args[0].equals("run")) {
                return Optional.empty();
            }
            for (int i = 1; i < args.length; i += 2) {
                String value = args[i + 1];
                if (args[i].equals("--config") && config.isEmpty() && !value.startsWith("-")) {
                    config = Optional.of(Path.of(value));
                } else if (args[i].equals("--set") && value.indexOf('=') > 0 && !value.startsWith("-")) {
                    settings.add(value);
                } else {
                    return Optional.empty();
                }
            }
            return Optional.of(new Plain(config, List.copyOf(settings)));
        }
    }

    /** As the command {@code run} would; answers the exit code. */
    static int run(Plain plain, PrintStream err) {
        try {
            return run(plain.config(), plain.settings());
        } catch (Failure f) {
            explain(f, err::println);
            return EXIT_INVALID;
        } catch (Exception e) {
            // Answered, not thrown: threads that were begun would keep a process alive that serves nobody.
            e.printStackTrace(err);
            return EXIT_FAILED;
        }
    }

    static void explain(Failure f, Consumer<String> print) {
        print.accept("tallystick-agent: " + f.detail());
        if (f.problems().size() > 1) {
            f.problems().forEach(p -> print.accept("  " + p));
        }
    }

    /** Runs until a signal ends the process. Throws {@link Failure} for settings that are wrong. */
    static int run(Optional<Path> config, List<String> settings) throws Exception {
        Agent agent = open(config, settings);
        AtomicBoolean failed = new AtomicBoolean();
        Runtime.getRuntime().addShutdownHook(ending(agent, failed));
        try {
            agent.start();
        } catch (Exception e) {
            failed.set(true);
            throw e;
        }
        announce(agent);
        new CountDownLatch(1).await();
        return 0;
    }

    /** An agent by its settings, not started. */
    static Agent open(Optional<Path> config, List<String> settings) throws Exception {
        WarmUp.begin();
        ConfigFile file = config.isEmpty() ? ConfigFile.empty() : ConfigFile.read(config.get());
        AgentConfig c = AgentConfig.read(file.with(settings, Path.of("").toAbsolutePath()));
        c.effective().forEach(line -> LOG.log(Level.CONFIG, "{0}", line));
        MachineTime time = new MachineTime(c.clockFile());
        // After a failure nothing in the process may be believed, least of all about the disk: the next start reads it.
        return new Agent(c, time, time.clock(), new SecureRandom(), Main.version(), cause -> Runtime.getRuntime()
                .halt(EXIT_FAILED));
    }

    /** What a signal sets off. */
    static Thread ending(Agent agent, AtomicBoolean failed) {
        return new Thread(
                () -> {
                    agent.close();
                    System.out.flush();
                    // A signal would otherwise make the JVM's exit code 143, which supervisors call a failure.
                    Runtime.getRuntime().halt(failed.get() ? EXIT_FAILED : 0);
                },
                "shutdown");
    }

    static void announce(Agent agent) {
        System.out.println("listening on " + agent.endpoint());
        System.out.flush();
    }
}
