package io.tallystick.conformance;

import io.tallystick.common.json.Fields;
import io.tallystick.sandbox.Box;
import io.tallystick.sandbox.StepFailure;
import io.tallystick.sandbox.Trouble;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command line. */
@Command(
        name = "tallystick-conformance",
        description = {
            "Runs your program in VMs of a sandbox, lets go wrong what can go wrong, and reports what the program did.",
            "The program finds TALLYSTICK_AGENT_URL, TALLYSTICK_ISSUER, TALLYSTICK_ISSUER_KEYS (a file) and"
                    + " TALLYSTICK_PRODUCT in its environment; it must run until SIGTERM, and report usage of the"
                    + " dimension `requests` every few seconds."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the program passes",
            "1:the program fails; the report says in what",
            "2:it could not be tried: wrong options, or the sandbox failed"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  tallystick-conformance -- ./my-program --listen 8080",
            "  tallystick-conformance --scenario duplicate --scenario late --output json -- python3 app.py"
        })
public final class Conformance implements Callable<Integer> {
    private static final int PASSED = 0;
    private static final int FAILED = 1;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--scenario", paramLabel = "NAME", description = "Only these; may be repeated. Default: all.")
    private List<String> names = List.of();

    @Option(
            names = "--within",
            paramLabel = "DURATION",
            defaultValue = "PT60S",
            description = "How long the program may take for each thing it must do. Default: PT60S.")
    private String within = "";

    @Option(
            names = "--watch",
            paramLabel = "DURATION",
            defaultValue = "PT10S",
            description = "How long it is watched for what it must not do; longer than it takes for a unit of work."
                    + " Default: PT10S.")
    private String watch = "";

    @Option(names = "--output", paramLabel = "text|json", defaultValue = "text", description = "Default: text.")
    private Output output = Output.text;

    @Option(names = "--report", paramLabel = "FILE", description = "Writes the JSON report to this file, too.")
    private @Nullable Path file;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "Where the sandbox keeps its files. Default: a new folder.")
    private @Nullable Path dir;

    @Parameters(paramLabel = "COMMAND", arity = "1..*", description = "How your program is started.")
    private List<String> command = List.of();

    /** How the report is printed. */
    enum Output {
        text,
        json
    }

    public static void main(String[] args) {
        System.exit(execute(args));
    }

    static int execute(String... args) {
        CommandLine cli = new CommandLine(new Conformance());
        cli.setExecutionExceptionHandler((e, c, parsed) -> {
            if (e instanceof Trouble || e instanceof StepFailure || e instanceof IllegalArgumentException) {
                c.getErr().println("tallystick-conformance: " + e.getMessage());
                return CommandLine.ExitCode.USAGE;
            }
            throw e;
        });
        return cli.execute(args);
    }

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        List<Scenario> scenarios = names.isEmpty()
                ? List.of(Scenario.values())
                : names.stream().map(Scenario::of).toList();
        Duration patience = Fields.parseDuration(within);
        Duration watching = Fields.parseDuration(watch);
        Path parent = dir != null ? dir : Files.createTempDirectory("tallystick-conformance");
        Report report;
        try (Box box = Box.open(parent, line -> tell(err, line))) {
            report = new Runner(box, command, patience, watching, line -> tell(err, line)).run(scenarios);
        }
        if (dir == null) {
            Files.deleteIfExists(parent);
        }
        if (file != null) {
            Files.writeString(file, report.json() + "\n");
        }
        out.println(output == Output.json ? report.json() : report.text());
        out.flush();
        return report.passed() ? PASSED : FAILED;
    }

    private static void tell(PrintWriter err, String line) {
        err.println(line);
        err.flush();
    }
}
