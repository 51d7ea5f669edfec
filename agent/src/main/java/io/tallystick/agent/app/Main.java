package io.tallystick.agent.app;

import io.tallystick.common.error.Failure;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line of the agent. */
@Command(
        name = "tallystick-agent",
        description = "Proves this VM's entitlement and meters its usage.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Versions.class,
        subcommands = {RunCommand.class, VerifyCommand.class, MeterCommand.class, StatusCommand.class})
public final class Main {
    static final class Versions implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {version()};
        }
    }

    private Main() {}

    static String version() {
        String v = Main.class.getPackage().getImplementationVersion();
        return v == null ? "dev" : v;
    }

    public static void main(String[] args) {
        // Read by the JDK when its HTTP classes load, so before anything else. nodelay: an answer of two small writes
        // would otherwise wait for the caller's delayed ACK. maxReqTime: a slow caller must not hold a thread.
        // retryPost: a
        // retry is our own decision.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.setProperty("sun.net.httpserver.maxReqTime", "30");
        System.setProperty("sun.net.http.retryPost", "false");
        System.setProperty("java.util.logging.SimpleFormatter.format", "%1$tFT%1$tT.%1$tL %4$s %3$s %5$s%6$s%n");
        System.exit(execute(args));
    }

    /** Runs a command; answers its exit code. */
    public static int execute(String... args) {
        CommandLine cli = new CommandLine(new Main());
        cli.setExecutionExceptionHandler((e, c, parsed) -> {
            if (e instanceof Failure f) {
                c.getErr().println("tallystick-agent: " + f.detail());
                if (f.problems().size() > 1) {
                    f.problems().forEach(p -> c.getErr().println("  " + p));
                }
                return CommandLine.ExitCode.USAGE;
            }
            throw e;
        });
        return cli.execute(args);
    }
}
