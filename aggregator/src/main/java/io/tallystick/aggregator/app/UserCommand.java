package io.tallystick.aggregator.app;

import io.tallystick.aggregator.account.Passwords;
import io.tallystick.aggregator.account.User;
import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.web.Role;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How the first person gets into the portal: whoever can read the configuration can make a user. */
@Command(
        name = "user",
        mixinStandardHelpOptions = true,
        description = "Makes users of the portal.",
        subcommands = UserCommand.Create.class,
        synopsisSubcommandLabel = "COMMAND")
final class UserCommand implements Runnable {
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

    /** Prints the generated password and nothing else, or nothing when one was given. */
    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description = "Makes a user; prints a generated password, once, unless one is given.")
    static final class Create implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Option(names = "--email", required = true, description = "What the user signs in with.")
        String email = "";

        @Option(names = "--role", required = true, description = "operator, seller or buyer")
        String role = "";

        @Option(names = "--account", description = "The account of a seller or buyer.")
        @Nullable
        String account;

        @Option(
                names = "--password-stdin",
                description = "Take the password from the first line of standard input; not from an argument,"
                        + " which other users of the machine could read.")
        boolean passwordFromInput;

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() throws IOException {
            if (spec == null) {
                throw new IllegalStateException("made by picocli");
            }
            Main.logOnlyWarnings();
            Users.NewUser wanted = new Users.NewUser(
                    parsed(spec, "--email", User::checkEmail, email),
                    parsed(spec, "--role", Role::ofWire, role),
                    Optional.ofNullable(account),
                    passwordFromInput
                            ? Optional.of(parsed(spec, "the password", Passwords::check, readLine()))
                            : Optional.empty());
            OneShot.run(options.load().config(), WORK_MAX, wiring -> wiring.users.create("cli", wanted))
                    .generatedPassword()
                    .ifPresent(spec.commandLine().getOut()::println);
            return 0;
        }

        private static String readLine() throws IOException {
            String line = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset())).readLine();
            return line == null ? "" : line;
        }

        private static <T> T parsed(CommandSpec spec, String what, Function<String, T> parser, String text) {
            try {
                return parser.apply(text);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), what + " " + e.getMessage(), e);
            }
        }
    }
}
