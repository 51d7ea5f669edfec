package io.tallystick.agent.store;

import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One open transaction, given to work that runs on the store's thread. Not to be kept. Sums added are held in memory
 * until the transaction ends, so that a thousand calls on one key are one row written; statements are prepared once.
 */
public final class Tx {
    private final Connection connection;
    private final Map<String, PreparedStatement> prepared = new HashMap<>();
    private final Map<SumKey, Quantity> sums = new HashMap<>();
    private final Map<SumKey, Quantity> dirty = new LinkedHashMap<>();
    /** The kinds of hours looked at; absent kinds too. */
    private final Map<HourKey, Optional<String>> kinds = new HashMap<>();
    /** Hours that increments of this transaction are the first to write. */
    private final Set<HourKey> claimed = new LinkedHashSet<>();

    private final String run;

    /** The kind of an hour that increments wrote. */
    static final String INCREMENTS = "";

    /** Makes a value of a row. */
    @FunctionalInterface
    public interface Row<T> {
        T of(ResultSet row) throws SQLException;
    }

    Tx(Connection connection, String run) {
        this.connection = connection;
        this.run = run;
    }

    /** Names this start of the process; pending sums of other runs are sealed. */
    public String run() {
        return run;
    }

    public <T> List<T> list(String sql, Row<T> row, Object... args) throws SQLException {
        PreparedStatement s = bind(sql, args);
        List<T> result = new ArrayList<>();
        try (ResultSet rows = s.executeQuery()) {
            while (rows.next()) {
                result.add(row.of(rows));
            }
        }
        return result;
    }

    /** The first row, if any. */
    public <T> Optional<T> first(String sql, Row<T> row, Object... args) throws SQLException {
        List<T> rows = list(sql, row, args);
        return rows.isEmpty() ? Optional.empty() : Optional.of(rows.get(0));
    }

    public long number(String sql, Object... args) throws SQLException {
        return first(sql, r -> r.getLong(1), args).orElse(0L);
    }

    /** Runs a statement that changes rows; answers how many. */
    public int change(String sql, Object... args) throws SQLException {
        return bind(sql, args).executeUpdate();
    }

    public Optional<String> meta(String key) throws SQLException {
        return first("SELECT v FROM meta WHERE k = ?", r -> r.getString(1), key);
    }

    /** Sets a value; {@code null} removes it. */
    public void meta(String key, @Nullable String value) throws SQLException {
        if (value == null) {
            change("DELETE FROM meta WHERE k = ?", key);
        } else {
            change("INSERT INTO meta (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v", key, value);
        }
    }

    /** The content an idempotency key was used with. */
    Optional<Hash> idempotent(String key) throws SQLException {
        return first("SELECT hash FROM idem WHERE key = ?", r -> Hash.ofBytes(r.getBytes(1)), key);
    }

    void idempotent(String key, Hash content, long atSecond) throws SQLException {
        change("INSERT INTO idem (key, hash, at, run) VALUES (?, ?, ?, ?)", key, content.bytes(), atSecond, run);
    }

    /** This run's pending sum of a key, with what this transaction added. */
    public Optional<Quantity> sum(SumKey key) throws SQLException {
        Quantity known = sums.get(key);
        if (known != null) {
            return Optional.of(known);
        }
        Optional<Quantity> stored = first(
                "SELECT quantity FROM pending WHERE run = ? AND product = ? AND dimension = ? AND boot = ? AND bucket"
                        + " = ? AND tags = ?",
                r -> Quantity.parse(r.getString(1)),
                run,
                key.product(),
                key.dimension(),
                key.boot(),
                key.bucket(),
                key.tags());
        stored.ifPresent(q -> sums.put(key, q));
        return stored;
    }

    /** The id of the slot record an hour holds; {@link #INCREMENTS} where it is added up; empty while free. */
    Optional<String> kind(HourKey hour) throws SQLException {
        Optional<String> known = kinds.get(hour);
        if (known == null) {
            known = first(
                    "SELECT slot FROM hour_kind WHERE product = ? AND dimension = ? AND hour = ?",
                    r -> r.getString(1),
                    hour.product(),
                    hour.dimension(),
                    hour.second());
            kinds.put(hour, known);
        }
        return known;
    }

    /** Gives a free hour to a slot record. */
    void slot(HourKey hour, String id) throws SQLException {
        change(
                "INSERT INTO hour_kind (product, dimension, hour, slot, run) VALUES (?, ?, ?, ?, ?)",
                hour.product(),
                hour.dimension(),
                hour.second(),
                id,
                run);
        kinds.put(hour, Optional.of(id));
    }

    /** Sets this run's pending sum of a key. Its hour belongs to increments from now on, unless it holds a slot record. */
    void sum(SumKey key, Quantity quantity) {
        if (key.boot().isEmpty()) {
            HourKey hour = HourKey.of(key);
            if (kinds.getOrDefault(hour, Optional.empty()).isEmpty()) {
                kinds.put(hour, Optional.of(INCREMENTS));
                claimed.add(hour);
            }
        }
        sums.put(key, quantity);
        dirty.put(key, quantity);
    }

    /** Adds to this run's pending sum of a key. Throws {@link IllegalArgumentException} where a quantity overflows. */
    public void add(SumKey key, Quantity quantity) throws SQLException {
        sum(key, sum(key).orElse(Quantity.ZERO).plus(quantity));
    }

    /** Writes the sums held in memory; before other work reads pending rows, and before commit. */
    public void flush() throws SQLException {
        for (Map.Entry<SumKey, Quantity> e : dirty.entrySet()) {
            SumKey k = e.getKey();
            change(
                    "INSERT INTO pending (run, product, dimension, boot, bucket, tags, quantity)"
                            + " VALUES (?, ?, ?, ?, ?, ?, ?)"
                            + " ON CONFLICT (run, product, dimension, boot, bucket, tags)"
                            + " DO UPDATE SET quantity = excluded.quantity",
                    run,
                    k.product(),
                    k.dimension(),
                    k.boot(),
                    k.bucket(),
                    k.tags(),
                    e.getValue().toString());
        }
        for (HourKey hour : claimed) {
            change(
                    "INSERT OR IGNORE INTO hour_kind (product, dimension, hour, slot, run) VALUES (?, ?, ?, '', ?)",
                    hour.product(),
                    hour.dimension(),
                    hour.second(),
                    run);
        }
        forget();
    }

    /** Forgets the sums held in memory: after a commit, a rollback, or a change of pending rows by statement. */
    void forget() {
        dirty.clear();
        sums.clear();
        kinds.clear();
        claimed.clear();
    }

    /** Forgets the kinds of hours held in memory: after a change of them by statement. */
    void forgetKinds() {
        kinds.clear();
    }

    /** Closes the prepared statements: after an error the driver has closed the failed one, and says nothing. */
    void forgetStatements() {
        for (PreparedStatement s : prepared.values()) {
            try {
                s.close();
            } catch (SQLException e) {
                // It is dropped either way.
                continue;
            }
        }
        prepared.clear();
    }

    void execute(String sql) throws SQLException {
        PreparedStatement s = bind(sql);
        s.execute();
    }

    private PreparedStatement bind(String sql, Object... args) throws SQLException {
        PreparedStatement s = prepared.get(sql);
        if (s == null) {
            s = connection.prepareStatement(sql);
            prepared.put(sql, s);
        }
        for (int i = 0; i < args.length; i++) {
            Object a = args[i];
            if (a instanceof byte[] b) {
                s.setBytes(i + 1, b);
            } else if (a instanceof Long || a instanceof Integer) {
                s.setLong(i + 1, ((Number) a).longValue());
            } else {
                s.setString(i + 1, a.toString());
            }
        }
        return s;
    }
}
