package io.tallystick.sandbox;

import io.tallystick.testkit.EmbeddedDatabase;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

/** The sandbox's PostgreSQL: one of its own with durable settings, or a database of the user's. */
final class Database implements AutoCloseable {
    private static final String NAME = "tallystick";

    private final String url;
    private final Runnable end;

    private Database(String url, Runnable end) {
        this.url = url;
        this.end = end;
    }

    /** Where an own server keeps its data. */
    static Path data(RunFolder folder) {
        return folder.file("postgresql");
    }

    /** An own server on this port, with the data of the run folder. */
    static Database embedded(RunFolder folder, int port) {
        EmbeddedDatabase server = EmbeddedDatabase.options()
                .dataFolder(data(folder))
                .port(port)
                .keepOnExit()
                .start();
        server.createDatabase(NAME);
        return new Database(server.url(NAME), server::close);
    }

    /** A database that is there, used as it is and left as it will be. */
    static Database external(String url) {
        try (Connection connection = connect(url)) {
            connection.isValid(0);
        } catch (SQLException e) {
            throw new Trouble("--database: " + e.getMessage(), e);
        }
        return new Database(url, () -> {});
    }

    /** A new database on the server of this URL, dropped when closed: for one playing of the story. */
    static Database external(String url, String name) {
        execute(url, "CREATE DATABASE " + name);
        return new Database(
                withPath(URI.create(url), name), () -> execute(url, "DROP DATABASE " + name + " WITH (FORCE)"));
    }

    /** {@code postgresql://user[:password]@host:port/database}. */
    String url() {
        return url;
    }

    @Override
    public void close() {
        end.run();
    }

    /** Refuses a URL of another form. */
    static void check(String url) {
        URI uri;
        try {
            uri = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw new Trouble("--database: must be postgresql://user:password@host:port/database", e);
        }
        if (!"postgresql".equals(uri.getScheme())
                || uri.getHost() == null
                || uri.getUserInfo() == null
                || uri.getPath() == null
                || uri.getPath().length() < 2) {
            throw new Trouble("--database: must be postgresql://user:password@host:port/database");
        }
    }

    private static void execute(String url, String sql) {
        try (Connection connection = connect(url);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new Trouble("--database: " + sql + ": " + e.getMessage(), e);
        }
    }

    private static Connection connect(String url) throws SQLException {
        URI uri = URI.create(url);
        String[] user = uri.getUserInfo().split(":", 2);
        Properties properties = new Properties();
        properties.setProperty("user", user[0]);
        if (user.length > 1) {
            properties.setProperty("password", user[1]);
        }
        String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        return DriverManager.getConnection(
                "jdbc:postgresql://" + uri.getHost() + port + uri.getPath() + query, properties);
    }

    private static String withPath(URI uri, String name) {
        String text = uri.toString();
        int path = text.indexOf(uri.getRawAuthority()) + uri.getRawAuthority().length();
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        return text.substring(0, path) + "/" + name + query;
    }
}
