package io.tallystick.aggregator.app;

import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.lifecycle.ChangeSet;
import io.tallystick.aggregator.lifecycle.LoadForms;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Product load forms for operators at a shell, who do what sellers do over REST. */
@Command(
        name = "load-form",
        mixinStandardHelpOptions = true,
        description = "Product load forms (CSV): blank, filled in, and back again.",
        subcommands = {
            LoadFormCommand.Blank.class,
            LoadFormCommand.Show.class,
            LoadFormCommand.Create.class,
            LoadFormCommand.Upload.class
        },
        synopsisSubcommandLabel = "COMMAND")
final class LoadFormCommand implements Runnable {
    private static final Duration WORK_MAX = Duration.ofSeconds(60);
    private static final Caller OPERATOR = new Caller("cli", Role.OPERATOR, null);

    @Spec
    @Nullable
    CommandSpec spec;

    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(spec.commandLine(), "Missing command");
        }
    }

    /** What the parts have in common. */
    private abstract static class Part implements Callable<Integer> {
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
            answer().forEach(spec.commandLine().getOut()::println);
            return 0;
        }

        abstract List<String> answer();

        static String read(@Nullable Path file) {
            if (file == null) {
                throw new IllegalStateException("picocli requires it");
            }
            try {
                if (Files.size(file) > LoadForms.BYTES_MAX) {
                    throw Failure.of(ErrorCode.TOO_LARGE, "a form has at most " + LoadForms.BYTES_MAX + " bytes");
                }
                return Files.readString(file);
            } catch (IOException e) {
                throw Failure.of(ErrorCode.INVALID_REQUEST, file + " cannot be read as UTF-8 text");
            }
        }

        static String line(Optional<ChangeSet> set) {
            return set.map(s -> s.id() + " " + s.status()).orElse("nothing differs");
        }
    }

    /** For a new product; needs neither configuration nor database. */
    @Command(name = "blank", mixinStandardHelpOptions = true, description = "Prints a form with nothing filled in.")
    static final class Blank implements Callable<Integer> {
        @Option(
                names = "--type",
                paramLabel = "TYPE",
                description = "What each version is to be: image (the default), template or package.")
        String type = Delivery.Kind.IMAGE.wire();

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() {
            if (spec == null) {
                throw new IllegalStateException("made by picocli");
            }
            Delivery.Kind kind;
            try {
                kind = Delivery.Kind.ofWire(type);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), "--type " + e.getMessage(), e);
            }
            spec.commandLine().getOut().println(LoadForms.blank(kind).stripTrailing());
            return 0;
        }
    }

    /** For a product there is. */
    @Command(name = "show", mixinStandardHelpOptions = true, description = "Prints the form of a product, filled in.")
    static final class Show extends Part {
        @Parameters(paramLabel = "PRODUCT", description = "Id of the product.")
        String product = "";

        @Override
        List<String> answer() {
            return List.of(OneShot.run(options.load().config(), WORK_MAX, w -> w.loadForms.of(OPERATOR, product))
                    .stripTrailing());
        }
    }

    /** Of a form that was blank. */
    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description = "Makes a product of a form; prints its id, and the change set of where it is offered.")
    static final class Create extends Part {
        @Option(names = "--seller", required = true, description = "Account of the seller.")
        String seller = "";

        @Parameters(paramLabel = "FILE", description = "The form.")
        @Nullable
        Path file;

        @Override
        List<String> answer() {
            String form = read(file);
            LoadForms.Made made = OneShot.run(
                    options.load().config(), WORK_MAX, w -> w.loadForms.create(OPERATOR, Optional.of(seller), form));
            return List.of(made.product().id(), line(made.changeSet()));
        }
    }

    /** Of a form that was filled in. */
    @Command(
            name = "upload",
            mixinStandardHelpOptions = true,
            description =
                    "Starts a change set of what differs from the product; prints it. A running aggregator does it.")
    static final class Upload extends Part {
        @Parameters(index = "0", paramLabel = "PRODUCT", description = "Id of the product.")
        String product = "";

        @Parameters(index = "1", paramLabel = "FILE", description = "The form.")
        @Nullable
        Path file;

        @Option(names = "--validate", description = "Only says what is wrong.")
        boolean validate;

        @Override
        List<String> answer() {
            String form = read(file);
            ChangeSet.Intent intent = validate ? ChangeSet.Intent.VALIDATE : ChangeSet.Intent.APPLY;
            return List.of(line(OneShot.run(
                    options.load().config(), WORK_MAX, w -> w.loadForms.upload(OPERATOR, product, form, intent))));
        }
    }
}
