package io.tallystick.aggregator.app;

import io.tallystick.common.config.ConfigReader;
import io.vertx.ext.mail.LoginOption;
import io.vertx.ext.mail.MailConfig;
import io.vertx.ext.mail.StartTLSOptions;
import java.util.Locale;
import java.util.Optional;

/**
 * The SMTP server mails go to.
 *
 * @param from the sender, an address or {@code Name <address>}
 */
public record MailSettings(
        String host, int port, String from, Tls tls, Optional<String> user, Optional<String> password) {
    private static final String FROM = "mail.from";
    private static final int CONNECT_MS_MAX = 10_000;
    private static final int IDLE_SECONDS_MAX = 60;

    /** How the connection is protected. */
    enum Tls {
        NONE,
        /** Plain first, then TLS or nothing. */
        STARTTLS,
        /** TLS from the first byte. */
        TLS;

        static Tls parse(String text) {
            for (Tls tls : values()) {
                if (tls.name().toLowerCase(Locale.ROOT).equals(text)) {
                    return tls;
                }
            }
            throw new IllegalArgumentException("must be none, starttls or tls");
        }
    }

    /** Empty where no server is named: mails then stay in the outbox. */
    static Optional<MailSettings> read(ConfigReader in) {
        Optional<String> host = in.optionalString("mail.smtp-host");
        Optional<String> from = in.optionalString(FROM);
        MailSettings settings = new MailSettings(
                host.orElse(""),
                in.integer("mail.smtp-port", 587, 1, 65535),
                from.orElse(""),
                in.parsed("mail.tls", "starttls", Tls::parse),
                in.optionalString("mail.user"),
                in.optionalSecret("mail.password"));
        if (host.isPresent() && from.isEmpty()) {
            in.problem(FROM, "is missing: mails need a sender");
        }
        if (from.isPresent() && !from.get().matches("[^\\r\\n]*[^@\\s]@[A-Za-z0-9.-]+>?")) {
            in.problem(FROM, "must be an address, or a name and <address>");
        }
        if (settings.user.isPresent() != settings.password.isPresent()) {
            in.problem("mail.user", "and mail.password.file belong together");
        }
        return host.map(h -> settings);
    }

    MailConfig client() {
        MailConfig config = new MailConfig()
                .setHostname(host)
                .setPort(port)
                .setSsl(tls == Tls.TLS)
                .setStarttls(tls == Tls.STARTTLS ? StartTLSOptions.REQUIRED : StartTLSOptions.DISABLED)
                .setLogin(user.isPresent() ? LoginOption.REQUIRED : LoginOption.DISABLED)
                .setMaxPoolSize(2);
        config.setConnectTimeout(CONNECT_MS_MAX);
        config.setIdleTimeout(IDLE_SECONDS_MAX);
        if (tls != Tls.NONE) {
            config.setHostnameVerificationAlgorithm("HTTPS");
        }
        user.ifPresent(config::setUsername);
        password.ifPresent(config::setPassword);
        return config;
    }

    @Override
    public String toString() {
        return "MailSettings[" + host + ":" + port + ", " + tls + "]";
    }
}
