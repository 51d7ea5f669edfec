package io.tallystick.bench;

import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code deploy/bin/bench}. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures parts of Tallystick against an anchor in the same run.",
        subcommands = {
            FleetBench.class,
            FootprintBench.class,
            HistoryBench.class,
            IngestBench.class,
            LocalBench.class,
            PullBench.class,
            SlowClientsBench.class
        })
public final class Bench implements Runnable {
    @Spec
    private @Nullable CommandSpec spec;

    private Bench() {}

    public static void main(String[] args) {
        // The embedded server's talk would drown the figures.
        Logger.getLogger("").setLevel(Level.WARNING);
        System.exit(new CommandLine(new Bench())
                .setOut(new PrintWriter(System.out, true, Charset.defaultCharset()))
                .setErr(new PrintWriter(System.err, true, Charset.defaultCharset()))
                .execute(args));
    }

    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(
                    spec.commandLine(), "a bench is missing: fleet, footprint, ingest, local, pull or slow-clients");
        }
    }
}
