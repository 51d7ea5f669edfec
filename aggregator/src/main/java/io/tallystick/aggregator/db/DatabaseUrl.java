package io.tallystick.aggregator.db;

import io.vertx.core.net.ClientSSLOptions;
import io.vertx.core.net.TrustOptions;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.SslMode;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.TrustManagerFactory;

/**
 * Where the database is: {@code postgresql://user[:password]@host:port/database[?sslmode=…]}, understood by both drivers
 * in use. {@code require} and weaker modes encrypt without checking the server's certificate, as libpq does; {@code
 * verify-ca} and {@code verify-full} check it against the JDK's trust store.
 */
public final class DatabaseUrl {
    /** The driver fills in names of its own for parts that are missing; a ledger should not go to a guessed place. */
    private static final Pattern FORM = Pattern.compile("postgres(?:ql)?://[^/?#@]+@[^/?#@]+/[^/?#]+(?:\\?[^#]*)?");

    private final PgConnectOptions options;

    private DatabaseUrl(PgConnectOptions options) {
        this.options = options;
    }

    /** Throws {@link IllegalArgumentException} with the rule that is broken; never repeats the URL, it may hold a password. */
    public static DatabaseUrl parse(String url) {
        if (!url.startsWith("postgresql://") && !url.startsWith("postgres://")) {
            throw new IllegalArgumentException("must start with postgresql://");
        }
        if (!FORM.matcher(url).matches()) {
            throw new IllegalArgumentException(
                    "must name user, host and database, as in postgresql://user@host:5432/database");
        }
        PgConnectOptions options;
        try {
            options = PgConnectOptions.fromUri(url);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(
                    "must be postgresql://user@host:port/database with sslmode as the only option", e);
        }
        return new DatabaseUrl(options);
    }

    /** The same with this password, replacing the one in the URL. */
    public DatabaseUrl withPassword(String password) {
        return new DatabaseUrl(new PgConnectOptions(options).setPassword(password));
    }

    /** Without the password, fit for logs. */
    public String shown() {
        return "postgresql://" + user() + "@" + options.getHost() + ":" + options.getPort() + "/"
                + options.getDatabase();
    }

    String user() {
        return options.getUser();
    }

    Optional<String> password() {
        return Optional.ofNullable(options.getPassword());
    }

    /** For Flyway. */
    String jdbc() {
        SslMode mode = options.getSslMode();
        String host = options.getHost().contains(":") ? "[" + options.getHost() + "]" : options.getHost();
        String factory = verifies(mode) ? "&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory" : "";
        return "jdbc:postgresql://" + host + ":" + options.getPort() + "/" + options.getDatabase() + "?sslmode="
                + mode.name().toLowerCase(Locale.ROOT).replace('_', '-') + factory
                + "&ApplicationName=tallystick-migrate";
    }

    /** For the pool. */
    PgConnectOptions vertx() {
        PgConnectOptions copy = new PgConnectOptions(options);
        if (options.getSslMode() != SslMode.DISABLE) {
            ClientSSLOptions ssl = new ClientSSLOptions()
                    .setHostnameVerificationAlgorithm(options.getSslMode() == SslMode.VERIFY_FULL ? "HTTPS" : "");
            // The driver wants the trusted certificates named; the JDK's own are meant.
            copy.setSslOptions(
                    verifies(options.getSslMode()) ? ssl.setTrustOptions(jdkTrust()) : ssl.setTrustAll(true));
        }
        return copy;
    }

    private static TrustOptions jdkTrust() {
        try {
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init((KeyStore) null);
            return TrustOptions.wrap(factory.getTrustManagers()[0]);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the JDK's trust store cannot be read", e);
        }
    }

    private static boolean verifies(SslMode mode) {
        return mode == SslMode.VERIFY_CA || mode == SslMode.VERIFY_FULL;
    }

    @Override
    public String toString() {
        return shown();
    }
}
