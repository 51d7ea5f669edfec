package io.tallystick.aggregator.app;

import io.tallystick.aggregator.signing.SigningKeys;
import io.vertx.core.Future;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The keys receipts, leases and answers are signed with. */
@Command(
        name = "keys",
        mixinStandardHelpOptions = true,
        description = "Signing keys.",
        subcommands = {KeysCommand.Show.class, KeysCommand.Rotate.class},
        synopsisSubcommandLabel = "COMMAND")
final class KeysCommand implements Runnable {
    private static final Duration WORK_MAX = Duration.ofSeconds(30);

    @Spec
    @Nullable
    CommandSpec spec;

    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(spec.commandLine(), "Missing command");
        }
    }

    /** Lists what {@code /.well-known/jwks.json} publishes. */
    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists the published keys.")
    static final class Show implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() {
            if (spec == null) {
                throw new IllegalStateException("made by picocli");
            }
            Main.logOnlyWarnings();
            PrintWriter out = spec.commandLine().getOut();
            OneShot.run(options.load().config(), WORK_MAX, wiring -> wiring.keys
                            .start()
                            .map(wiring.keys))
                    .published()
                    .forEach(key -> out.println(key.kid()));
            return 0;
        }
    }

    /** Prints the new key's id. */
    @Command(
            name = "rotate",
            mixinStandardHelpOptions = true,
            description = "Makes the next key: published at once, used from 24 hours later on. Prints its id.")
    static final class Rotate implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() {
            if (spec == null) {
                throw new IllegalStateException("made by picocli");
            }
            Main.logOnlyWarnings();
            String kid = OneShot.run(options.load().config(), WORK_MAX, wiring -> rotate(wiring.keys));
            spec.commandLine().getOut().println(kid);
            return 0;
        }

        private static Future<String> rotate(SigningKeys keys) {
            return keys.start().compose(done -> keys.rotate());
        }
    }
}
