package io.tallystick.agent.store;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A checked usage record as it is summed.
 *
 * @param path where it stands in the call, for messages
 * @param key the idempotency key
 * @param content what must be the same when the key is used again; {@link Hash#NONE} without a key
 */
public record Increment(String path, Map<SumKey, Quantity> parts, Optional<String> key, Hash content) {
    /** Instead of a second: when that was is not known yet. */
    public static final long SOME_TIME = -1;

    public Increment {
        parts = Map.copyOf(parts);
    }

    /**
     * The same increments with those that have no key and go to one sum added up, so that little waits for the disk: a
     * vendor's array mostly counts one thing. Problems found later are told of the first that was added to a sum.
     */
    public static List<Increment> summed(List<Increment> increments) {
        List<Increment> result = new ArrayList<>();
        Map<SumKey, Quantity> sums = new LinkedHashMap<>();
        Map<SumKey, String> paths = new HashMap<>();
        for (Increment i : increments) {
            if (i.key.isPresent() || i.parts.size() != 1) {
                result.add(i);
                continue;
            }
            i.parts.forEach((to, more) -> {
                Quantity before = sums.get(to);
                sums.put(to, before == null ? more : plus(i, before, more));
                paths.putIfAbsent(to, i.path);
            });
        }
        sums.forEach((to, sum) ->
                result.add(new Increment(paths.getOrDefault(to, ""), Map.of(to, sum), Optional.empty(), Hash.NONE)));
        return result;
    }

    /**
     * Adds all of a call's increments or, where any is refused, none. An increment whose key was used with the same
     * content counts as done.
     *
     * @param refusal thrown unless every increment was already taken: a retried call gets the answer it missed even if
     *     the instance was denied since
     * @param nowSecond seconds since 1970 or {@link #SOME_TIME}, for forgetting keys
     */
    public static void addAll(Tx tx, List<Increment> increments, Optional<Failure> refusal, long nowSecond)
            throws SQLException {
        Map<String, Hash> newKeys = new LinkedHashMap<>();
        Map<SumKey, Quantity> sums = new HashMap<>();
        boolean fresh = false;
        for (Increment i : increments) {
            if (i.key.isPresent()) {
                String key = i.key.get();
                Hash known = newKeys.get(key);
                if (known == null) {
                    known = tx.idempotent(key).orElse(null);
                }
                if (known != null && !known.equals(i.content)) {
                    throw Failure.of(
                            ErrorCode.IDEMPOTENCY_CONFLICT,
                            List.of(new Failure.Problem(
                                    i.path.isEmpty() ? "idempotencyKey" : i.path + ".idempotencyKey",
                                    "was used with other content within the last 7 days")));
                }
                if (known != null) {
                    continue;
                }
                newKeys.put(key, i.content);
            }
            fresh = true;
            i.checkKind(tx);
            for (Map.Entry<SumKey, Quantity> part : i.parts.entrySet()) {
                Quantity before = sums.get(part.getKey());
                if (before == null) {
                    before = tx.sum(part.getKey()).orElse(Quantity.ZERO);
                }
                sums.put(part.getKey(), plus(i, before, part.getValue()));
            }
        }
        if (fresh && refusal.isPresent()) {
            throw refusal.get();
        }
        for (Map.Entry<String, Hash> e : newKeys.entrySet()) {
            tx.idempotent(e.getKey(), e.getValue(), nowSecond);
        }
        sums.forEach(tx::sum);
    }

    /**
     * Whether one of the keys was used by a start that may be another VM's: whose VM is known, or that ended before this boot. To be
     * asked while this VM is not known.
     */
    public static boolean anyKeyOfAnother(Tx tx, List<Increment> increments, String bootId) throws SQLException {
        for (Increment i : increments) {
            if (i.key.isPresent()
                    && tx.number(
                                    "SELECT EXISTS (SELECT 1 FROM idem WHERE key = ? AND NOT EXISTS"
                                            + " (SELECT 1 FROM run WHERE run.id = idem.run AND run.instance = '' AND run.boot = ?))",
                                    i.key.get(),
                                    bootId)
                            == 1) {
                return true;
            }
        }
        return false;
    }

    /** Forgets keys used before that second; those of some time were used now, to be sure. */
    public static void forgetKeys(Tx tx, long beforeSecond, long nowSecond) throws SQLException {
        tx.change("UPDATE idem SET at = ? WHERE at < 0", nowSecond);
        tx.change("DELETE FROM idem WHERE at < ?", beforeSecond);
    }

    /** An hour that holds a write-once record takes no increments. */
    private void checkKind(Tx tx) throws SQLException {
        for (SumKey key : parts.keySet()) {
            if (!key.boot().isEmpty()) {
                return;
            }
            HourKey hour = HourKey.of(key);
            Optional<String> holder = tx.kind(hour);
            if (holder.isEmpty() && !hour.product().isEmpty()) {
                holder = tx.kind(new HourKey("", hour.dimension(), hour.second()));
            }
            if (holder.isPresent() && !holder.get().equals(Tx.INCREMENTS)) {
                throw Failure.of(
                        ErrorCode.KIND_TAKEN,
                        List.of(new Failure.Problem(
                                path.isEmpty() ? "dimension" : path + ".dimension",
                                "the hour " + hour.start() + " of " + hour.dimension() + " holds the write-once record "
                                        + holder.get() + " of the AWS door, so it takes no increments")));
            }
            // All parts of an increment are of one hour.
            return;
        }
    }

    private static Quantity plus(Increment i, Quantity before, Quantity more) {
        try {
            return before.plus(more);
        } catch (IllegalArgumentException e) {
            throw Failure.of(
                    ErrorCode.OUT_OF_RANGE,
                    List.of(new Failure.Problem(
                            i.path.isEmpty() ? "quantity" : i.path + ".quantity",
                            "the sum of the hour would overflow: " + e.getMessage())));
        }
    }
}
