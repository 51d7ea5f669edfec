package io.tallystick.agent.app;

import io.tallystick.common.error.Failure;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.Set;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line of the agent. */
@Command(
        name = "tallystick-agent",
        description = "Proves this VM's entitlement and meters its usage.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Versions.class,
        subcommands = {
            RunCommand.class,
            VerifyCommand.class,
            MeterCommand.class,
            StatusCommand.class,
            ShowSentCommand.class,
            PrepareImageCommand.class,
            AutoComplete.GenerateCompletion.class
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  tallystick-agent run --config /etc/tallystick/agent.conf",
            "  tallystick-agent verify --wait 30s && exec my-program",
            "  tallystick-agent meter --dimension requests --quantity 12 --idempotency-key \"$ID\"",
            "  source <(tallystick-agent generate-completion)",
            "",
            "Each command's --help has its exit codes and more examples."
        })
public final class Main {
    static final class Versions implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {version()};
        }
    }

    /** Wrong options of the commands that scripts use (EX_USAGE of sysexits.h). */
    static final int EXIT_USAGE = 64;

    private static final int HELP_COLUMNS = 110;

    private Main() {}

    static String version() {
        String v = Main.class.getPackage().getImplementationVersion();
        return v == null ? "dev" : v;
    }

    public static void main(String[] args) throws Exception {
        prepare();
        Optional<Service.Plain> service = Service.Plain.parse(args);
        System.exit(service.isPresent() ? Service.run(service.get(), System.err) : execute(args));
    }

    /** What holds for the whole process, set before anything else. */
    static void prepare() {
        // Read by the JDK when its HTTP classes load, so before anything else. nodelay: an answer of two small writes
        // would otherwise wait for the caller's delayed ACK. maxReqTime: a slow caller must not hold a thread.
        // retryPost: a
        // retry is our own decision.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.setProperty("sun.net.httpserver.maxReqTime", "30");
        System.setProperty("sun.net.http.retryPost", "false");
        System.setProperty("java.util.logging.SimpleFormatter.format", "%1$tFT%1$tT.%1$tL %4$s %3$s %5$s%6$s%n");
    }

    static CommandLine commandLine() {
        // Wide enough for an example to be copied in one piece.
        CommandLine cli = new CommandLine(new Main()).setUsageHelpWidth(HELP_COLUMNS);
        // Not 2, which says something about the agent: a script must be able to tell its own mistake.
        Set<String> scripted = Set.of("verify", "meter", "status", "show-sent", "prepare-image");
        cli.getSubcommands().forEach((name, command) -> {
            if (scripted.contains(name)) {
                command.getCommandSpec().exitCodeOnInvalidInput(EXIT_USAGE);
            }
        });
        return cli;
    }

    /** Runs a command; answers its exit code. */
    public static int execute(String... args) {
        return execute(commandLine(), args);
    }

    /** As {@link #execute(String...)}, with the command's answer and its complaints written to these. */
    public static int execute(PrintWriter out, PrintWriter err, String... args) {
        return execute(commandLine().setOut(out).setErr(err), args);
    }

    private static int execute(CommandLine cli, String... args) {
        cli.setExecutionExceptionHandler((e, c, parsed) -> {
            if (e instanceof Failure f) {
                Service.explain(f, c.getErr()::println);
                return c.getCommandSpec().exitCodeOnInvalidInput();
            }
            throw e;
        });
        return cli.execute(args);
    }
}
