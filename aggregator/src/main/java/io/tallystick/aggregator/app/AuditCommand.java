package io.tallystick.aggregator.app;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.usage.ArchiveCheck;
import io.tallystick.aggregator.usage.Archives;
import io.tallystick.aggregator.usage.Rebuild;
import io.vertx.core.Future;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What is kept as evidence: the audit log, signed batches in the database and in archives, and the ledger over them. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description = "Checks the audit log and the ledger, and archives evidence.",
        subcommands = {AuditCommand.Verify.class, AuditCommand.RebuildUsage.class, AuditCommand.Archive.class},
        synopsisSubcommandLabel = "COMMAND")
final class AuditCommand implements Runnable {
    /** Reading or writing all evidence there is. */
    private static final Duration WORK_MAX = Duration.ofDays(2);

    @Spec
    @Nullable
    CommandSpec spec;

    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(spec.commandLine(), "Missing command");
        }
    }

    /** Exit 0 when everything holds, 1 when it does not. */
    @Command(
            name = "verify",
            mixinStandardHelpOptions = true,
            description = "Checks that no event was changed, removed or slipped in. Keep the printed hash elsewhere:"
                    + " it proves later that the log up to here is the same. With --archive also that archived evidence"
                    + " is as the log says, and that the batches of each VM follow one another from the first one"
                    + " through the archives to the last.")
    static final class Verify implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Mixin
        ArchiveOption archives = new ArchiveOption();

        @Spec
        @Nullable
        CommandSpec spec;

        /** @param recorded how many archives there should be */
        private record Checked(Audit.Verdict log, int recorded, Optional<ArchiveCheck.Verdict> archives) {}

        @Override
        public Integer call() {
            if (spec == null) {
                throw new IllegalStateException("made by picocli");
            }
            Main.logOnlyWarnings();
            Checked checked = OneShot.run(options.load().config(), WORK_MAX, this::check);
            PrintWriter out = spec.commandLine().getOut();
            checked.log()
                    .fault()
                    .ifPresentOrElse(
                            fault -> out.println("BROKEN after " + checked.log().events() + " events: " + fault),
                            () -> out.println("ok: " + checked.log().events() + " events, head "
                                    + checked.log().head()));
            checked.archives().ifPresent(verdict -> {
                verdict.faults().forEach(fault -> out.println("BROKEN " + fault));
                out.println((verdict.faults().isEmpty() ? "ok: " : "BROKEN: ") + verdict.archives() + " archives with "
                        + verdict.archivedBatches() + " batches, " + verdict.liveBatches() + " in the database");
            });
            if (checked.archives().isEmpty() && checked.recorded() > 0) {
                out.println("not looked at: " + checked.recorded() + " archives; name their folder with --archive");
            }
            boolean broken = checked.log().fault().isPresent()
                    || checked.archives().map(v -> !v.faults().isEmpty()).orElse(false);
            return broken ? 1 : 0;
        }

        private Future<Checked> check(Wiring wiring) {
            ArchiveCheck check = new ArchiveCheck(wiring.database, wiring.vertx);
            return wiring.audit.verify(wiring.database.reads()).compose(log -> check.count()
                    .compose(recorded -> archives.folder().isEmpty()
                            ? Future.succeededFuture(new Checked(log, recorded, Optional.empty()))
                            : check.verify(archives.folder().get())
                                    .map(verdict -> new Checked(log, recorded, Optional.of(verdict)))));
        }
    }

    /** Where archives are, for commands that read them. */
    static final class ArchiveOption {
        @Option(
                names = "--archive",
                paramLabel = "DIR",
                description = "The folder that holds the archives, each in a folder of its month.")
        @Nullable
        Path archive;

        Optional<Path> folder() {
            return Optional.ofNullable(archive);
        }
    }

    /** Exit 0 when all that is due is archived. */
    @Command(
            name = "archive",
            mixinStandardHelpOptions = true,
            description = "Moves months of signed batches and receipts that ended long enough ago out of the database"
                    + " into files, with digests that the audit log keeps. Goes on where a run before was interrupted.")
    static final class Archive implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Option(
                names = "--to",
                required = true,
                paramLabel = "DIR",
                description = "Where a folder a month is made. Copy it elsewhere: it is the only evidence then.")
        Path to = Path.of("");

        @Option(
                names = "--older-than",
                paramLabel = "DURATION",
                defaultValue = "P90D",
                description = "How long ago a month must have ended, at least P31D. Default: ${DEFAULT-VALUE}.")
        Duration olderThan = Archives.AGE_MIN;

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
            AtomicInteger months = new AtomicInteger();
            OneShot.run(options.load().config(), WORK_MAX, wiring -> new Archives(
                            wiring.database, wiring.vertx, wiring.audit, wiring.clock)
                    .archive("cli", to, olderThan, done -> {
                        months.incrementAndGet();
                        out.println("archived " + done.name() + ": " + done.batches() + " batches in " + done.location()
                                + ", manifest "
                                + HexFormat.of().formatHex(done.manifestSha256().bytes()));
                        if (done.stayed() > 0) {
                            out.println("  " + done.stayed()
                                    + " batches stay in the database, as they do not follow the one before them");
                        }
                    }));
            if (months.get() == 0) {
                out.println("nothing to archive: no month ended longer ago than " + olderThan);
            }
            return 0;
        }
    }

    /** Exit 0 when evidence and ledger agree, 1 when they do not. */
    @Command(
            name = "rebuild",
            mixinStandardHelpOptions = true,
            description = "Recomputes the usage hours from the signed batches and receipts, and compares. Changes"
                    + " nothing. Where evidence is archived, --archive must say where.")
    static final class RebuildUsage implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Mixin
        ArchiveOption archives = new ArchiveOption();

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
                    OneShot.run(options.load().config(), WORK_MAX, wiring -> new Rebuild(wiring.database, wiring.vertx)
                            .compare(archives.folder()));
            PrintWriter out = spec.commandLine().getOut();
            verdict.differences().forEach(difference -> out.println("DIFFERENT " + difference));
            out.println((verdict.differences().isEmpty() ? "ok: " : "BROKEN: ") + verdict.batches() + " batches, "
                    + verdict.usageHours() + " usage hours");
            return verdict.differences().isEmpty() ? 0 : 1;
        }
    }
}
