package io.tallystick.testkit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Gives a test class a freshly migrated database of its own, in one server per JVM:
 *
 * <pre>{@code
 * @RegisterExtension
 * static final TestDatabase DB = TestDatabase.migratedBy(url -> …);
 * }</pre>
 *
 * The database is hostile on purpose: an odd time zone and date style, and a statement timeout. Clients should keep to
 * {@link #POOL_SIZE} connections.
 */
public final class TestDatabase implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {
    /** Small, so that code that takes a second connection while holding one hangs here. */
    public static final int POOL_SIZE = 3;

    private static final AtomicInteger COUNT = new AtomicInteger();

    /** Brings an empty database at this {@code postgresql://} URL to the newest schema. */
    @FunctionalInterface
    public interface Migrator {
        void migrate(String url);
    }

    /** Throws when an invariant does not hold; runs after every test of the class. */
    @FunctionalInterface
    public interface Check {
        void verify(Connection connection) throws SQLException;
    }

    private final Migrator migrator;
    private final List<Check> checks = new ArrayList<>();
    private String name = "";
    /** Where the server's write-ahead log ended when the checks last held. */
    private String checkedAt = "";

    private TestDatabase(Migrator migrator) {
        this.migrator = migrator;
    }

    public static TestDatabase migratedBy(Migrator migrator) {
        return new TestDatabase(migrator);
    }

    /** A database without a schema, for tests of migration itself. */
    public static TestDatabase empty() {
        return new TestDatabase(url -> {});
    }

    /** The same with an invariant that is checked after every test. */
    public TestDatabase checkedBy(Check check) {
        checks.add(check);
        return this;
    }

    /** The shared server, started when first asked for and stopped with the JVM. */
    public static EmbeddedDatabase server() {
        return Server.INSTANCE;
    }

    /** {@code postgresql://…} of this class's database. */
    public String url() {
        return server().url(name());
    }

    /** A new connection for straight-line SQL in a test; the caller closes it. */
    public Connection connect() throws SQLException {
        return DriverManager.getConnection(server().jdbcUrl(name()));
    }

    /** Runs statements as the superuser. */
    public void execute(String sql) {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Another database of the same kind for a test that must spoil it; migrated by {@code migratedBy}'s callback. */
    public String another() {
        String other = create("extra");
        migrator.migrate(server().url(other));
        return server().url(other);
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        name = create(context.getRequiredTestClass().getSimpleName());
        migrator.migrate(url());
    }

    @Override
    public void afterEach(ExtensionContext context) throws SQLException {
        check();
    }

    /** Runs the checks, unless nothing was written since they last held; whether they ran. */
    public boolean check() throws SQLException {
        if (checks.isEmpty()) {
            return false;
        }
        try (Connection connection = connect()) {
            String written = written(connection);
            if (written.equals(checkedAt)) {
                return false;
            }
            for (Check check : checks) {
                check.verify(connection);
            }
            checkedAt = written;
            return true;
        }
    }

    private static String written(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet position = statement.executeQuery("SELECT pg_current_wal_insert_lsn()")) {
            position.next();
            return position.getString(1);
        }
    }

    @Override
    public void afterAll(ExtensionContext context) throws SQLException {
        // A failed class's database is gone with the server anyway; what stays open would fill it.
        try (Connection admin = DriverManager.getConnection(server().jdbcUrl("postgres"));
                Statement statement = admin.createStatement()) {
            statement.execute("DROP DATABASE " + name() + " WITH (FORCE)");
        }
    }

    private String name() {
        if (name.isEmpty()) {
            throw new IllegalStateException("register this extension in a static field with @RegisterExtension");
        }
        return name;
    }

    private static String create(String hint) {
        String lower = hint.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
        String created = "t" + COUNT.incrementAndGet() + "_" + lower.substring(0, Math.min(40, lower.length()));
        server().createDatabase(created);
        try (Connection connection = DriverManager.getConnection(server().jdbcUrl(created));
                Statement statement = connection.createStatement()) {
            statement.execute("ALTER DATABASE " + created + " SET timezone = 'America/St_Johns'");
            statement.execute("ALTER DATABASE " + created + " SET datestyle = 'SQL, DMY'");
            statement.execute("ALTER DATABASE " + created + " SET statement_timeout = '20s'");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return created;
    }

    private static final class Server {
        static final EmbeddedDatabase INSTANCE = EmbeddedDatabase.options().start();
    }
}
