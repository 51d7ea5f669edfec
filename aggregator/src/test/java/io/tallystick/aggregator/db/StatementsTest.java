package io.tallystick.aggregator.db;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.TestDatabase;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A typo in SQL fails here in seconds: every statement is PREPAREd on a migrated database. */
class StatementsTest {
    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate());

    private static final Pattern VERB = Pattern.compile("\\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\\b[\\s\\S]*");

    private static final Map<String, String> STATEMENTS = statements();

    /** Of every class: a statement is a static String constant that begins with a verb of SQL. */
    private static Map<String, String> statements() {
        Map<String, String> statements = new LinkedHashMap<>();
        for (Class<?> c : classes()) {
            for (Field field : c.getDeclaredFields()) {
                if (field.getType() == String.class && Modifier.isStatic(field.getModifiers())) {
                    String value = value(field);
                    if (value != null && VERB.matcher(value).matches()) {
                        statements.put(c.getSimpleName() + "." + field.getName(), value);
                    }
                }
            }
        }
        return statements;
    }

    /** All of the program's, where it was compiled to. */
    private static List<Class<?>> classes() {
        try {
            Path root = Path.of(Migrations.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            try (Stream<Path> files = Files.walk(root)) {
                return files.map(file -> root.relativize(file).toString())
                        .filter(name -> name.endsWith(".class") && !name.endsWith("-info.class"))
                        .sorted()
                        .<Class<?>>map(name -> loaded(name.substring(0, name.length() - ".class".length())
                                .replace('/', '.')))
                        .toList();
            }
        } catch (IOException | URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static Class<?> loaded(String name) {
        try {
            return Class.forName(name, false, StatementsTest.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    private static @org.jspecify.annotations.Nullable String value(Field field) {
        try {
            field.setAccessible(true);
            return (String) field.get(null);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }

    static List<String> names() {
        return List.copyOf(STATEMENTS.keySet());
    }

    @ParameterizedTest
    @MethodSource("names")
    void isUnderstoodByPostgreSql(String name) throws SQLException {
        try (Connection connection = DB.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("PREPARE checked AS " + STATEMENTS.get(name));
        }
    }

    @Test
    void everyStoreHasStatementsToCheck() {
        List<String> without = new ArrayList<>();
        for (Class<?> c : classes()) {
            String name = c.getSimpleName();
            if (name.endsWith("Store") && STATEMENTS.keySet().stream().noneMatch(s -> s.startsWith(name + "."))) {
                without.add(name);
            }
        }
        assertTrue(without.isEmpty(), () -> "their SQL is not in static constants: " + without);
        assertFalse(STATEMENTS.isEmpty());
    }
}
