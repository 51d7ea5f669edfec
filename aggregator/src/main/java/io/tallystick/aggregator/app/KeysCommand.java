package io.tallystick.aggregator.app;

import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.signing.KeySet;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The keys receipts, leases and answers are signed with. */
@Command(
        name = "keys",
        mixinStandardHelpOptions = true,
        description = "Signing keys.",
        subcommands = {
            KeysCommand.Show.class,
            KeysCommand.Rotate.class,
            KeysCommand.Retire.class,
            KeysCommand.Remember.class,
            KeysCommand.Rewrap.class
        },
        synopsisSubcommandLabel = "COMMAND")
final class KeysCommand implements Runnable {
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

    /** Lists what {@code /.well-known/jwks.json} publishes. */
    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists the published keys.")
    static final class Show implements Callable<Integer> {
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
            PrintWriter out = spec.commandLine().getOut();
            OneShot.run(options.load().config(), WORK_MAX, wiring -> wiring.keys
                            .start()
                            .map(wiring.keys))
                    .published()
                    .forEach(key -> out.println(key.kid()));
            return 0;
        }
    }

    private static final String ACTOR = "cli";

    /** Prints the new key's id. */
    @Command(
            name = "rotate",
            mixinStandardHelpOptions = true,
            description = "Makes the next key: published at once, used from 24 hours later on. Prints its id.")
    static final class Rotate implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Option(
                names = "--now",
                description = "Used within a minute, for a key that leaked. Software that keeps the list of keys for"
                        + " longer refuses what it signs until it asks again.")
        boolean now;

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() {
            String kid =
                    inTx(options, (wiring, tx) -> wiring.keys.rotate(tx, now).compose(made -> wiring.audit
                            .append(tx, new AuditEvent.Change(ACTOR, "key.rotate", made, null, Json.object("now", now)))
                            .map(made)));
            println(spec, kid);
            return 0;
        }
    }

    /** The public key stays at {@code /v1/keys/{kid}} for ever. */
    @Command(
            name = "retire",
            mixinStandardHelpOptions = true,
            description = "Takes a key out of use and off the published list, once nothing it signed is in use. Old"
                    + " receipts stay verifiable.")
    static final class Retire implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Parameters(paramLabel = "KID", description = "Id of the key, as keys list prints it.")
        String kid = "";

        @Option(
                names = "--now",
                description = "Although leases it signed are in use, for a key that leaked: software that reads the"
                        + " published list refuses them from now on.")
        boolean now;

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() {
            try {
                inTx(options, (wiring, tx) -> wiring.keys
                        .retire(tx, kid, now)
                        .compose(done -> wiring.audit.append(
                                tx, new AuditEvent.Change(ACTOR, "key.retire", kid, null, Json.object("now", now)))));
            } catch (Failure e) {
                if (spec != null) {
                    spec.commandLine().getErr().println(e.detail());
                }
                return 1;
            }
            println(spec, "retired " + kid);
            return 0;
        }
    }

    /** For a database restored from before a rotation: receipts by the key it forgot prove what it lost. */
    @Command(
            name = "remember",
            mixinStandardHelpOptions = true,
            description = "Takes in public keys that a restored database forgot, so that what they signed verifies"
                    + " again. They sign nothing. Prints the ids of those that were not known.")
    static final class Remember implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Parameters(
                paramLabel = "FILE",
                description = "A copy of /.well-known/jwks.json, or of what /v1/keys/KID answered, from before.")
        @Nullable
        Path file;

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() {
            List<SigningKeys.Published> keys = KeySet.parse(read(file));
            List<String> remembered =
                    inTx(options, (wiring, tx) -> wiring.keys.remember(tx, keys).compose(kids -> {
                        Future<Void> all = Future.succeededFuture();
                        for (String kid : kids) {
                            all = all.compose(done -> wiring.audit.append(
                                    tx, new AuditEvent.Change(ACTOR, "key.remember", kid, null, Json.object())));
                        }
                        return all.map(kids);
                    }));
            remembered.forEach(kid -> println(spec, "remembered " + kid));
            if (remembered.isEmpty()) {
                println(spec, "all of them are known");
            }
            return 0;
        }

        private static byte[] read(@Nullable Path file) {
            if (file == null) {
                throw new IllegalStateException("picocli requires it");
            }
            try {
                if (Files.size(file) > KeySet.BYTES_MAX) {
                    throw Failure.of(ErrorCode.TOO_LARGE, file + " has more than " + KeySet.BYTES_MAX + " bytes");
                }
                return Files.readAllBytes(file);
            } catch (IOException e) {
                throw Failure.of(ErrorCode.INVALID_REQUEST, file + " cannot be read");
            }
        }
    }

    /** One transaction: all or none. */
    @Command(
            name = "rewrap",
            mixinStandardHelpOptions = true,
            description = "Wraps all private keys, and access keys lent by buyers, by keys.wrapping-key.file, where"
                    + " keys.former-wrapping-key.file wrapped them before.")
    static final class Rewrap implements Callable<Integer> {
        @Mixin
        ConfigOptions options = new ConfigOptions();

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() {
            String told = inTx(options, (wiring, tx) -> wiring.keys.rewrap(tx).compose(signing -> wiring.cloudKeys
                    .rewrap(tx)
                    .compose(lent -> wiring.registrations.rewrap(tx).compose(products -> wiring.audit
                            .append(tx, rewrapped(signing, lent, products))
                            .map("rewrapped " + signing + " signing keys, " + lent + " cloud keys and " + products
                                    + " registration keys")))));
            println(spec, told);
            return 0;
        }
    }

    private static AuditEvent.Change rewrapped(int signing, int lent, int products) {
        return new AuditEvent.Change(
                ACTOR,
                "key.rewrap",
                "wrapping-key",
                null,
                Json.object("signingKeys", signing, "cloudKeys", lent, "registrationKeys", products));
    }

    private static <T> T inTx(ConfigOptions options, BiFunction<Wiring, SqlConnection, Future<T>> work) {
        Main.logOnlyWarnings();
        return OneShot.run(options.load().config(), WORK_MAX, wiring -> wiring.keys
                .start()
                .compose(done -> wiring.database.transactor().inTx(tx -> work.apply(wiring, tx))));
    }

    private static void println(@Nullable CommandSpec spec, String text) {
        if (spec == null) {
            throw new IllegalStateException("made by picocli");
        }
        spec.commandLine().getOut().println(text);
    }
}
