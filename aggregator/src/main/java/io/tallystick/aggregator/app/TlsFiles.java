package io.tallystick.aggregator.app;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.tallystick.aggregator.web.TlsPair;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of the server's certificate and key, and the pair in use. Changed files are taken up while serving, once two
 * looks in a row read the same from both; a pair that cannot be used leaves the one before in place. Dates are not judged:
 * a certificate that has ended is served, and the metric tells, as refusing to start would help nobody.
 */
final class TlsFiles {
    /** How often the files are looked at; a change is in force after the second look. */
    static final Duration LOOK_EVERY = Duration.ofSeconds(10);

    private static final int FILE_BYTES_MAX = 256 * 1024;
    private static final Logger LOG = LoggerFactory.getLogger(TlsFiles.class);

    /** What both files held at one look, or why they could not be read. */
    private record Seen(String certificates, String key, String problem) {
        TlsPair pair() {
            if (!problem.isEmpty()) {
                throw new IllegalArgumentException(problem);
            }
            return TlsPair.parse(certificates, key);
        }

        @Override
        public String toString() {
            return "Seen[" + problem + "]";
        }
    }

    private final Config.Tls files;
    private volatile TlsPair pair;
    private Seen inUse;
    private @Nullable Seen lastLook;
    private @Nullable Seen refused;

    private TlsFiles(Config.Tls files, Seen inUse, TlsPair pair) {
        this.files = files;
        this.inUse = inUse;
        this.pair = pair;
    }

    /** Reads the files for the first time; what is wrong with them is a {@link Failure} that names the key of the file. */
    static TlsFiles open(Config.Tls files) {
        Seen seen = look(files);
        try {
            TlsPair pair = seen.pair();
            LOG.info("TLS certificate of {}, until {}", pair.subject(), pair.notAfter());
            return new TlsFiles(files, seen, pair);
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            String key = message.startsWith("the key file") ? Config.KEY_FILE : Config.CERTIFICATE_FILE;
            throw Failure.of(ErrorCode.INVALID_REQUEST, List.of(new Failure.Problem(key, message)));
        }
    }

    TlsPair pair() {
        return pair;
    }

    /** Registers the metrics and has housekeeping look at the files. */
    void follow(
            Vertx vertx, MeterRegistry registry, Housekeeping housekeeping, Function<TlsPair, Future<Void>> takeUp) {
        Gauge.builder("tallystick.tls.certificate.expiry", this, f -> f.pair()
                        .notAfter()
                        .getEpochSecond())
                .description(
                        "When the certificate in use ends, or the first of its chain to end, in seconds of Unix time")
                .baseUnit("seconds")
                .register(registry);
        Counter taken = reloads(registry, "taken");
        Counter failed = reloads(registry, "refused");
        housekeeping.add("tls", LOOK_EVERY, () -> vertx.executeBlocking(() -> look(files), true)
                .compose(seen -> judge(seen, takeUp, taken, failed)));
    }

    private static Counter reloads(MeterRegistry registry, String outcome) {
        return Counter.builder("tallystick.tls.reloads")
                .description("Changes of the certificate's files that were taken up, or refused")
                .tag("outcome", outcome)
                .register(registry);
    }

    /** Only housekeeping's event loop comes here, and never twice at once. */
    private Future<Void> judge(Seen seen, Function<TlsPair, Future<Void>> takeUp, Counter taken, Counter failed) {
        boolean settled = seen.equals(lastLook);
        lastLook = seen;
        if (!settled || seen.equals(inUse) || seen.equals(refused)) {
            return Future.succeededFuture();
        }
        TlsPair fresh;
        try {
            fresh = seen.pair();
        } catch (IllegalArgumentException e) {
            refused = seen;
            failed.increment();
            LOG.error("the changed TLS files are not taken up, the certificate before stays: {}", e.getMessage());
            return Future.succeededFuture();
        }
        return takeUp.apply(fresh).onSuccess(done -> {
            pair = fresh;
            inUse = seen;
            refused = null;
            taken.increment();
            LOG.info("took up the TLS certificate of {}, until {}", fresh.subject(), fresh.notAfter());
        });
    }

    private static Seen look(Config.Tls files) {
        try {
            return new Seen(
                    text("the certificate file", files.certificateFile()), text("the key file", files.keyFile()), "");
        } catch (IllegalArgumentException e) {
            return new Seen("", "", String.valueOf(e.getMessage()));
        }
    }

    private static String text(String what, Path file) {
        try {
            if (Files.size(file) > FILE_BYTES_MAX) {
                throw new IllegalArgumentException(what + " is larger than " + FILE_BYTES_MAX + " bytes");
            }
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    what + " cannot be read (" + e.getClass().getSimpleName() + "): " + file, e);
        }
    }
}
