package io.tallystick.chaos;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import io.tallystick.chaos.checker.Checker;
import io.tallystick.chaos.checker.Pull;
import io.tallystick.chaos.checker.Verdict;
import io.tallystick.sandbox.RunFolder;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code deploy/bin/chaos}. */
@Command(
        name = "chaos",
        mixinStandardHelpOptions = true,
        description = "Breaks a running marketplace on purpose and has an independent checker judge the bill.",
        subcommands = {
            Chaos.Storm.class,
            Chaos.Proxy.class,
            Chaos.Two.class,
            Chaos.Restore.class,
            Chaos.Load.class,
            Chaos.Check.class
        },
        footer = {
            "",
            "Exit codes: 0 clean, 1 something was lost, doubled, phantom or too slow, 2 wrong options, 70 it broke."
        })
public final class Chaos implements Runnable {
    private static final int FOUND = 1;
    private static final int BROKE = 70;

    /** How much of a storm is played. */
    enum Amount {
        CI,
        PART,
        FULL;

        <T> T of(T ci, T part, T full) {
            return switch (this) {
                case CI -> ci;
                case PART -> part;
                case FULL -> full;
            };
        }
    }

    @Spec
    private @Nullable CommandSpec spec;

    private Chaos() {}

    public static void main(String[] args) {
        // Whoever signs a load shares the cores with what it is for. Does nothing where its native part does not load.
        AmazonCorrettoCryptoProvider.install();
        // The embedded server's talk would drown the figures.
        Logger.getLogger("").setLevel(Level.SEVERE);
        System.exit(new CommandLine(new Chaos())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(new PrintWriter(System.out, true, Charset.defaultCharset()))
                .setErr(new PrintWriter(System.err, true, Charset.defaultCharset()))
                .setExecutionExceptionHandler((e, line, parsed) -> {
                    e.printStackTrace(line.getErr());
                    return BROKE;
                })
                .execute(args));
    }

    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(
                    spec.commandLine(), "a kind is missing: storm, proxy, twins, restore, overload or check");
        }
    }

    /** What a storm is. */
    @FunctionalInterface
    interface Play {
        boolean in(World world, long seed) throws Exception;
    }

    /** What every storm is told. */
    static final class Common {
        @Option(
                names = "--seed",
                paramLabel = "N",
                description = "Decides every fault and every record. Default: another one each time; it is printed.")
        @Nullable
        Long seed;

        @Option(
                names = "--share",
                defaultValue = "part",
                description =
                        "How much: ${COMPLETION-CANDIDATES}; ci is what the build plays. Default: ${DEFAULT-VALUE}.")
        Amount share = Amount.PART;

        @Option(
                names = "--dir",
                paramLabel = "DIR",
                description = "A new folder for everything. Default: one in the temporary folder. Kept where it is not"
                        + " clean.")
        @Nullable
        Path dir;

        @Spec(Spec.Target.MIXEE)
        @Nullable
        CommandSpec command;

        int play(Play play) throws Exception {
            if (command == null) {
                throw new IllegalStateException("made by picocli");
            }
            PrintWriter out = command.commandLine().getOut();
            long chosen = seed != null ? seed : new SecureRandom().nextInt(1_000_000);
            Path folder = dir != null ? dir : Files.createTempDirectory("tallystick-chaos-");
            out.printf(
                    Locale.ROOT,
                    "%s, share %s, --seed %d, in %s%n",
                    command.name(),
                    share.name().toLowerCase(Locale.ROOT),
                    chosen,
                    folder);
            boolean clean;
            try (World world = World.open(folder, out)) {
                clean = play.in(world, chosen);
            }
            if (clean && dir == null) {
                RunFolder.lock(folder).delete();
            }
            out.println(clean ? "clean" : "NOT CLEAN; replay with --seed " + chosen + "; the logs are in " + folder);
            return clean ? 0 : FOUND;
        }
    }

    @Command(
            name = "storm",
            mixinStandardHelpOptions = true,
            description = "SIGKILL to agent, aggregator and PostgreSQL under load.")
    static final class Storm implements Callable<Integer> {
        @Mixin
        private final Common common = new Common();

        @Option(names = "--agent-kills", paramLabel = "N", description = "Instead of the share's.")
        private @Nullable Integer agentKills;

        @Option(names = "--aggregator-kills", paramLabel = "N", description = "Instead of the share's.")
        private @Nullable Integer aggregatorKills;

        @Option(names = "--database-crashes", paramLabel = "N", description = "Instead of the share's.")
        private @Nullable Integer databaseCrashes;

        @Option(
                names = "--records",
                paramLabel = "N",
                description = "At least so many acknowledged. Instead of the share's.")
        private @Nullable Long records;

        @Override
        public Integer call() throws Exception {
            KillStorm.Share s = common.share.of(KillStorm.Share.CI, KillStorm.Share.PART, KillStorm.Share.FULL);
            KillStorm.Share share = new KillStorm.Share(
                    agentKills != null ? agentKills : s.agentKills(),
                    aggregatorKills != null ? aggregatorKills : s.aggregatorKills(),
                    databaseCrashes != null ? databaseCrashes : s.databaseCrashes(),
                    records != null ? records : s.records(),
                    s.writers(),
                    s.recordsMax(),
                    s.pauseMax());
            return common.play(
                    (world, seed) -> KillStorm.play(world, share, seed).clean());
        }
    }

    @Command(
            name = "proxy",
            mixinStandardHelpOptions = true,
            description = "A network that loses, doubles, delays and cuts.")
    static final class Proxy implements Callable<Integer> {
        @Mixin
        private final Common common = new Common();

        @Override
        public Integer call() throws Exception {
            ProxyStorm.Share share = common.share.of(ProxyStorm.Share.CI, ProxyStorm.Share.PART, ProxyStorm.Share.FULL);
            return common.play(
                    (world, seed) -> ProxyStorm.play(world, share, seed).clean());
        }
    }

    @Command(
            name = "twins",
            mixinStandardHelpOptions = true,
            description = "Each batch to two aggregators at once, while both post.")
    static final class Two implements Callable<Integer> {
        @Mixin
        private final Common common = new Common();

        @Override
        public Integer call() throws Exception {
            Twins.Share share = common.share.of(Twins.Share.CI, Twins.Share.PART, Twins.Share.FULL);
            return common.play((world, seed) -> Twins.play(world, share, seed).clean());
        }
    }

    @Command(
            name = "restore",
            mixinStandardHelpOptions = true,
            description = "Point-in-time restores and promotions of a standby that was behind, under load.")
    static final class Restore implements Callable<Integer> {
        @Mixin
        private final Common common = new Common();

        @Override
        public Integer call() throws Exception {
            RestoreStorm.Share share =
                    common.share.of(RestoreStorm.Share.CI, RestoreStorm.Share.PART, RestoreStorm.Share.FULL);
            return common.play((world, seed) -> {
                boolean clean = RestoreStorm.play(world, share, seed).clean();
                return RestoreStorm.unresendable(world, seed).others().clean() && clean;
            });
        }
    }

    @Command(
            name = "overload",
            mixinStandardHelpOptions = true,
            description = "Ten times the rate that the aggregator sustains.")
    static final class Load implements Callable<Integer> {
        @Mixin
        private final Common common = new Common();

        @Option(names = "--senders", paramLabel = "N", description = "Instead of the share's.")
        private @Nullable Integer senders;

        @Option(names = "--seconds", paramLabel = "N", description = "How long it lasts, instead of the share's.")
        private @Nullable Integer seconds;

        @Override
        public Integer call() throws Exception {
            Overload.Share s = common.share.of(Overload.Share.CI, Overload.Share.PART, Overload.Share.FULL);
            Overload.Share share = new Overload.Share(
                    senders == null ? s.senders() : senders,
                    s.recordsPerBatch(),
                    s.calm(),
                    seconds == null ? s.storm() : Duration.ofSeconds(seconds));
            return common.play((world, seed) -> {
                Overload.Result r = Overload.play(world, share, seed);
                return r.exact()
                        && r.refusedWithoutWord() == 0
                        && r.acceptedP99Millis() < Overload.ACCEPTED_P99_MAX.toMillis()
                        && r.normalAfterSeconds() <= Overload.NORMAL_AGAIN_MAX.toSeconds();
            });
        }
    }

    @Command(
            name = "check",
            mixinStandardHelpOptions = true,
            description = "Judges a bill by a log of what was acknowledged.")
    static final class Check implements Callable<Integer> {
        @Option(
                names = "--log",
                required = true,
                paramLabel = "FILE",
                description =
                        "One line a record: ack, id, enrollment," + " dimension, hour and quantity, with tabs between.")
        private Path log = Path.of("");

        @Option(names = "--url", required = true, paramLabel = "URL", description = "The aggregator.")
        private URI url = URI.create("");

        @Option(
                names = "--token-file",
                required = true,
                paramLabel = "FILE",
                description = "A token of the role billing or operator.")
        private Path tokenFile = Path.of("");

        @Option(names = "--product", required = true, paramLabel = "ID", description = "Whose bill.")
        private String product = "";

        @Spec
        private @Nullable CommandSpec spec;

        @Override
        public Integer call() throws Exception {
            Verdict verdict =
                    Checker.judge(log, new Pull(url, Files.readString(tokenFile).strip()).all(product));
            if (spec != null) {
                spec.commandLine().getOut().println(verdict);
            }
            return verdict.clean() ? 0 : FOUND;
        }
    }
}
