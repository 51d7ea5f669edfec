package io.tallystick.aggregator.app;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.usage.Rebuild;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Checks on what is kept as evidence: the audit log, and the ledger against signed batches. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description = "Checks the audit log and the ledger.",
        subcommands = {AuditCommand.Verify.class, AuditCommand.RebuildUsage.class},
        synopsisSubcommandLabel = "COMMAND")
final class AuditCommand implements Runnable {
    private static final Duration WORK_MAX = Duration.ofHours(1);

    @Spec
    @Nullable
    CommandSpec spec;

    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(spec.commandLine(), "Missing command");
        }
    }

    /** Exit 0 when the chain holds, 1 when it does not. */
    @Command(
            name = "verify",
            mixinStandardHelpOptions = true,
            description = "Checks that no event was changed, removed or slipped in. Keep the printed hash elsewhere:"
                    + " it proves later that the log up to here is the same.")
    static final class Verify implements Callable<Integer> {
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
            Audit.Verdict verdict = OneShot.run(
                    options.load().config(), WORK_MAX, wiring -> wiring.audit.verify(wiring.database.reads()));
            PrintWriter out = spec.commandLine().getOut();
            verdict.fault()
                    .ifPresentOrElse(
                            fault -> out.println("BROKEN after " + verdict.events() + " events: " + fault),
                            () -> out.println("ok: " + verdict.events() + " events, head " + verdict.head()));
            return verdict.fault().isPresent() ? 1 : 0;
        }
    }

    /** Exit 0 when evidence and ledger agree, 1 when they do not. */
    @Command(
            name = "rebuild",
            mixinStandardHelpOptions = true,
            description = "Recomputes the usage hours from the signed batches and receipts, and compares. Changes"
                    + " nothing.")
    static final class RebuildUsage implements Callable<Integer> {
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
            Rebuild.Verdict verdict =
                    OneShot.run(options.load().config(), WORK_MAX, wiring -> new Rebuild(wiring.database).compare());
            PrintWriter out = spec.commandLine().getOut();
            verdict.differences().forEach(difference -> out.println("DIFFERENT " + difference));
            out.println((verdict.differences().isEmpty() ? "ok: " : "BROKEN: ") + verdict.batches() + " batches, "
                    + verdict.usageHours() + " usage hours");
            return verdict.differences().isEmpty() ? 0 : 1;
        }
    }
}
