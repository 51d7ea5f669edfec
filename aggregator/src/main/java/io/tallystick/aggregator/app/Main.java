package io.tallystick.aggregator.app;

import ch.qos.logback.classic.Level;
import io.tallystick.common.error.Failure;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code tallystick-aggregator}. Exit codes: 0 done, 1 refused or failed, 2 wrong command line. */
@Command(
        name = "tallystick-aggregator",
        mixinStandardHelpOptions = true,
        description = "Takes signed usage from agents and turns it into bills.",
        subcommands = {
            ServeCommand.class,
            MigrateCommand.class,
            TokenCommand.class,
            UserCommand.class,
            KeysCommand.class,
            AuditCommand.class,
            LoadFormCommand.class,
            VerifyIdentityCommand.class
        },
        synopsisSubcommandLabel = "COMMAND")
public final class Main implements Runnable {
    @Spec
    @Nullable
    CommandSpec spec;

    public static void main(String[] args) {
        Charset charset = Charset.defaultCharset();
        System.exit(run(args, new PrintWriter(System.out, true, charset), new PrintWriter(System.err, true, charset)));
    }

    /** As {@link #main}, for tests: answers the exit code and writes where it is told. */
    static int run(String[] args, PrintWriter out, PrintWriter err) {
        return new CommandLine(new Main())
                .setOut(out)
                .setErr(err)
                .setExecutionExceptionHandler((e, commandLine, parsed) -> explain(e, commandLine.getErr()))
                .execute(args);
    }

    /** A refusal is told line by line; anything else is a defect and shows its stack. */
    private static int explain(Exception e, PrintWriter err) {
        if (e instanceof Failure failure) {
            err.println("tallystick-aggregator: " + failure.detail());
            if (failure.problems().size() > 1) {
                failure.problems().forEach(p -> err.println("  " + p));
            }
        } else {
            e.printStackTrace(err);
        }
        return CommandLine.ExitCode.SOFTWARE;
    }

    /** Commands that print a result keep their output to it; the server logs as configured. */
    static void logOnlyWarnings() {
        if (LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME) instanceof ch.qos.logback.classic.Logger root) {
            root.setLevel(Level.WARN);
        }
    }

    @Override
    public void run() {
        if (spec != null) {
            throw new CommandLine.ParameterException(spec.commandLine(), "Missing command");
        }
    }
}
