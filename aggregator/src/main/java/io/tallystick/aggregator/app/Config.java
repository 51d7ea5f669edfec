package io.tallystick.aggregator.app;

import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.web.ClientAddresses;
import io.tallystick.aggregator.web.Quota;
import io.tallystick.aggregator.web.RateLimits;
import io.tallystick.common.config.ConfigReader;
import io.tallystick.common.json.Fields;
import io.tallystick.common.time.SandboxClock;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Everything an operator can set, read and checked whole. {@code deploy/aggregator-full.conf} explains each key. */
public record Config(
        Listen listen,
        URI publicUrl,
        DatabaseConfig database,
        List<byte[]> wrappingKeys,
        List<URI> formerUrls,
        Billing billing,
        boolean sandbox,
        Optional<Path> sandboxClockFile,
        Optional<Path> trustDir,
        Optional<Duration> documentAgeMax,
        Optional<Tls> tls,
        Optional<MailSettings> mail,
        ImagesConfig images,
        Map<RateLimits.Limit, Quota> limits) {

    public static final int WRAPPING_KEY_BYTES = 32;
    private static final Pattern LOOPBACK = Pattern.compile("localhost|127\\.\\d+\\.\\d+\\.\\d+|\\[::1]");
    static final String CERTIFICATE_FILE = "tls.certificate-file";
    static final String KEY_FILE = "tls.key-file";
    private static final String CLOCK_FILE = "sandbox.clock-file";
    private static final String OFF = "off";
    /** A VM needs a moment from its start until its agent runs. */
    private static final Duration DOCUMENT_AGE_LEAST = Duration.ofMinutes(1);

    /**
     * Where the server listens, and how long it waits for running requests when it stops.
     *
     * @param clients how the address of a client is found, behind proxies or without
     */
    public record Listen(String host, int port, Duration stopDeadline, ClientAddresses clients) {
        static Listen read(ConfigReader in) {
            return new Listen(
                    in.string("listen.host", "127.0.0.1"),
                    in.integer("listen.port", 8080, 0, 65535),
                    in.duration("listen.stop-deadline", Duration.ofSeconds(15), Duration.ZERO, Duration.ofMinutes(5)),
                    clients(in));
        }

        private static ClientAddresses clients(ConfigReader in) {
            ClientAddresses.Header header = in.parsed(
                    "listen.proxies-header",
                    ClientAddresses.Header.X_FORWARDED_FOR.wire(),
                    ClientAddresses.Header::parse);
            return in.parsed("listen.proxies", "", text -> ClientAddresses.behind(text, header));
        }
    }

    /** Files in PEM: the certificate chain, the server's own first, and the key of that. They are looked at by serve only. */
    public record Tls(Path certificateFile, Path keyFile) {
        static Optional<Tls> read(ConfigReader in) {
            Optional<Path> certificate = in.optionalPath(CERTIFICATE_FILE);
            Optional<Path> key = in.optionalPath(KEY_FILE);
            if (certificate.isPresent() != key.isPresent()) {
                in.problem(
                        certificate.isPresent() ? KEY_FILE : CERTIFICATE_FILE,
                        "is missing: TLS needs a certificate and its key");
            }
            return certificate.flatMap(c -> key.map(k -> new Tls(c, k)));
        }
    }

    /** The database and the pool to it. */
    public record DatabaseConfig(DatabaseUrl url, int poolSize, boolean migrateOnStart) {
        static DatabaseConfig read(ConfigReader in) {
            DatabaseUrl placeholder = DatabaseUrl.parse("postgresql://missing@missing/missing");
            DatabaseUrl url = in.has("database.url")
                    ? in.parsed("database.url", placeholder.shown(), DatabaseUrl::parse)
                    : placeholder;
            in.requiredString("database.url");
            Optional<String> password = in.optionalSecret("database.password");
            return new DatabaseConfig(
                    password.map(url::withPassword).orElse(url),
                    in.integer("database.pool-size", 16, 2, 500),
                    in.bool("database.migrate-on-start", false));
        }
    }

    /**
     * How usage is booked and charged.
     *
     * @param issuer who issues the invoices, as exports name it
     * @param statementDelay how long after its end a month may be closed
     */
    public record Billing(Duration postingInterval, String issuer, Duration statementDelay) {
        private static final int ISSUER_CHARS_MAX = 200;

        static Billing read(ConfigReader in) {
            String issuer = in.string("billing.issuer", "Tallystick");
            if (issuer.length() > ISSUER_CHARS_MAX) {
                in.problem("billing.issuer", "must have at most " + ISSUER_CHARS_MAX + " characters");
            }
            return new Billing(
                    in.duration(
                            "billing.posting-interval",
                            Duration.ofMinutes(5),
                            Duration.ofSeconds(1),
                            Duration.ofHours(1)),
                    issuer,
                    in.duration("billing.statement-delay", Duration.ofDays(3), Duration.ZERO, Duration.ofDays(31)));
        }
    }

    /** Reads all keys; the caller ends with {@link ConfigReader#done()}, which tells all problems at once. */
    public static Config read(ConfigReader in) {
        URI publicUrl = in.requiredUri("public.url");
        boolean sandbox = in.bool("sandbox", false);
        Optional<Path> clockFile = in.optionalPath(CLOCK_FILE);
        Config config = new Config(
                Listen.read(in),
                publicUrl,
                DatabaseConfig.read(in),
                wrappingKeys(in),
                formerUrls(in),
                Billing.read(in),
                sandbox,
                clockFile,
                in.optionalPath("trust.dir"),
                in.parsed("enrollment.document-age-max", OFF, Config::documentAge),
                Tls.read(in),
                MailSettings.read(in),
                ImagesConfig.read(in),
                limits(in));
        if (in.has("public.url")) {
            checkPublicUrl(in, publicUrl);
        }
        if (config.tls().isPresent() && "http".equals(publicUrl.getScheme())) {
            in.problem("public.url", "must be https, as " + CERTIFICATE_FILE + " is set");
        }
        if (clockFile.isPresent() && !(sandbox && isLoopback(publicUrl))) {
            in.problem(CLOCK_FILE, "is only for a sandbox: needs sandbox = true and a public.url on loopback");
        }
        config.trustDir().ifPresent(dir -> {
            if (!Files.isDirectory(dir)) {
                in.problem("trust.dir", "must be a folder");
            }
        });
        return config;
    }

    /** A duration of a minute at least, or {@code off}. */
    private static Optional<Duration> documentAge(String text) {
        if (text.equals(OFF)) {
            return Optional.empty();
        }
        Duration age = Fields.parseDuration(text);
        if (age.compareTo(DOCUMENT_AGE_LEAST) < 0) {
            throw new IllegalArgumentException("must be off, or at least " + DOCUMENT_AGE_LEAST);
        }
        return Optional.of(age);
    }

    /** How often somebody may ask; a limit that is off is missing. */
    private static Map<RateLimits.Limit, Quota> limits(ConfigReader in) {
        Map<RateLimits.Limit, Quota> limits = new EnumMap<>(RateLimits.Limit.class);
        for (RateLimits.Limit limit : RateLimits.Limit.values()) {
            in.parsed("limits." + limit.wire(), limit.otherwise(), Quota::parse)
                    .ifPresent(quota -> limits.put(limit, quota));
        }
        return limits;
    }

    /** Public URLs this aggregator had before: batches signed for them are still taken. */
    private static List<URI> formerUrls(ConfigReader in) {
        List<URI> urls = new ArrayList<>();
        for (String text : in.string("public.former-urls", "").split(",", -1)) {
            if (text.isBlank()) {
                continue;
            }
            try {
                urls.add(new URI(text.strip()));
            } catch (URISyntaxException e) {
                in.problem("public.former-urls", "must be URLs separated by commas");
            }
        }
        return urls;
    }

    /** The public URL is the issuer: it stands in every lease and receipt, so it has one spelling. */
    private static void checkPublicUrl(ConfigReader in, URI url) {
        boolean http = "http".equals(url.getScheme());
        if (!http && !"https".equals(url.getScheme())) {
            in.problem("public.url", "must start with https://");
        } else if (http && !isLoopback(url)) {
            in.problem("public.url", "must be https, http is for loopback only");
        }
        if (url.getRawUserInfo() != null || url.getRawQuery() != null || url.getRawFragment() != null) {
            in.problem("public.url", "must have no user, query or fragment");
        }
        if (url.toString().endsWith("/")) {
            in.problem("public.url", "must not end with /");
        }
        if (!url.getHost().equals(url.getHost().toLowerCase(Locale.ROOT))) {
            in.problem("public.url", "must have its host in lower case");
        }
    }

    /** The one that wraps first, then one that only unwraps. */
    private static List<byte[]> wrappingKeys(ConfigReader in) {
        List<byte[]> keys = new ArrayList<>();
        keys.add(in.optionalSecret("keys.wrapping-key")
                .map(text -> wrappingKey(in, "keys.wrapping-key.file", text))
                .orElseGet(() -> {
                    in.requiredSecret("keys.wrapping-key");
                    return new byte[WRAPPING_KEY_BYTES];
                }));
        in.optionalSecret("keys.former-wrapping-key")
                .ifPresent(text -> keys.add(wrappingKey(in, "keys.former-wrapping-key.file", text)));
        return keys;
    }

    private static byte[] wrappingKey(ConfigReader in, String setting, String text) {
        try {
            byte[] key = Base64.getDecoder().decode(text);
            if (key.length == WRAPPING_KEY_BYTES) {
                return key;
            }
        } catch (IllegalArgumentException e) {
            // Told below; the text itself must not be.
        }
        in.problem(setting, "must hold " + WRAPPING_KEY_BYTES + " bytes in base64");
        return new byte[WRAPPING_KEY_BYTES];
    }

    /** The one clock of the process: the machine's, or the sandbox's where that is allowed. */
    Clock clock() {
        return sandboxClockFile
                .<Clock>map(file -> new SandboxClock(file, Clock.systemUTC()))
                .orElseGet(Clock::systemUTC);
    }

    /** By the name alone: asking the resolver would make the answer depend on somebody else. */
    static boolean isLoopback(URI url) {
        return LOOPBACK.matcher(url.getHost()).matches();
    }

    @Override
    public String toString() {
        return "Config[" + publicUrl + ", " + database.url() + "]";
    }
}
