package io.tallystick.aggregator.app;

import io.tallystick.aggregator.signing.FastEd25519;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Runs until SIGTERM or SIGINT, then stops cleanly: the shutdown hook blocks until all is closed. */
@Command(name = "serve", mixinStandardHelpOptions = true, description = "Runs the service.")
final class ServeCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

    @Mixin
    ConfigOptions options = new ConfigOptions();

    @Spec
    @Nullable
    CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        ConfigOptions.Loaded loaded = options.load();
        LOG.info("configuration: {}", String.join(", ", loaded.effective()));
        LOG.info("signatures are checked and made with {}", FastEd25519.library());
        Aggregator aggregator = Aggregator.start(loaded.config());
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            LOG.info("stopping");
                            aggregator.close();
                            LOG.info("stopped");
                            stopped.countDown();
                        },
                        "stop"));
        if (spec != null) {
            spec.commandLine()
                    .getOut()
                    .println("listening on " + (loaded.config().tls().isPresent() ? "https://" : "http://")
                            + shown(loaded.config().listen().host()) + ":" + aggregator.port());
        }
        stopped.await();
        return 0;
    }

    private static String shown(String host) {
        return host.contains(":") ? "[" + host + "]" : host;
    }
}
