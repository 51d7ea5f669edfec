package io.tallystick.aggregator.app;

import io.tallystick.aggregator.account.Tokens;
import io.tallystick.aggregator.web.Role;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How the first operator gets in: whoever can read the configuration can make a token. */
@Command(
        name = "token",
        mixinStandardHelpOptions = true,
        description = "Makes API tokens.",
        subcommands = TokenCommand.Create.class,
        synopsisSubcommandLabel = "COMMAND")
final class TokenCommand implements Runnable {
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

    /** Prints the secret and nothing else, so that a script can take it. */
    @Command(name = "create", mixinStandardHelpOptions = true, description = "Prints a new token's secret, once.")
    static final class Create implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Option(names = "--role", required = true, description = "operator, seller, buyer or billing")
        String role = "";

        @Option(names = "--account", description = "The account of a seller's or buyer's token.")
        @Nullable
        String account;

        @Option(names = "--description", description = "What it is for.")
        @Nullable
        String description;

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() {
            if (spec == null) {
                throw new IllegalStateException("made by picocli");
            }
            Main.logOnlyWarnings();
            Role parsed;
            try {
                parsed = Role.ofWire(role);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), "--role " + e.getMessage(), e);
            }
            Tokens.NewToken wanted = new Tokens.NewToken(
                    parsed, Optional.ofNullable(account), Optional.ofNullable(description), Optional.empty());
            String secret = OneShot.run(
                            options.load().config(), WORK_MAX, wiring -> wiring.tokens.create("cli", wanted))
                    .secret();
            spec.commandLine().getOut().println(secret);
            return 0;
        }
    }
}
