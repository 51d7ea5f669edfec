package io.tallystick.agent.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A call's records are added up before they wait for the disk: nothing of them may change by that. */
class IncrementTest {
    private static final SumKey USERS = key("users");
    private static final SumKey HOSTS = key("hosts");

    private static SumKey key(String dimension) {
        return new SumKey("", dimension, "", 3600, "");
    }

    private static Increment plain(String path, SumKey to, String quantity) {
        return new Increment(path, Map.of(to, Quantity.parse(quantity)), Optional.empty(), Hash.NONE);
    }

    private static Increment keyed(String key, SumKey to) {
        return new Increment("", Map.of(to, Quantity.ONE), Optional.of(key), Hash.of(new byte[] {1}));
    }

    @Test
    void whatGoesToOneSumWithoutAKeyIsAddedUpAndNamedAfterItsFirst() {
        Increment split =
                new Increment("[4]", Map.of(USERS, Quantity.ONE, HOSTS, Quantity.of(2)), Optional.empty(), Hash.NONE);
        List<Increment> summed = Increment.summed(List.of(
                plain("[0]", USERS, "1"),
                keyed("a", USERS),
                plain("[2]", HOSTS, "0.5"),
                plain("[3]", USERS, "2.25"),
                split,
                keyed("a", USERS)));
        assertEquals(
                List.of(
                        keyed("a", USERS),
                        split,
                        keyed("a", USERS),
                        plain("[0]", USERS, "3.25"),
                        plain("[2]", HOSTS, "0.5")),
                summed);
    }

    @Test
    void aSumThatOverflowsWithinACallNamesTheRecordThatDoesIt() {
        String most = "9".repeat(Quantity.INTEGER_DIGITS_MAX);
        Failure f = assertThrows(
                Failure.class,
                () -> Increment.summed(
                        List.of(plain("[0]", USERS, most), plain("[1]", HOSTS, "1"), plain("[2]", USERS, "1"))));
        assertEquals(ErrorCode.OUT_OF_RANGE, f.code());
        assertEquals("[2].quantity", f.problems().get(0).path());
    }

    @Test
    void totalsAreThoseOfTheRecordsOneByOne() {
        Random random = new Random(5);
        for (int round = 0; round < 100; round++) {
            List<Increment> increments = new ArrayList<>();
            for (int i = random.nextInt(50); i >= 0; i--) {
                SumKey to = key("d" + random.nextInt(4));
                increments.add(
                        random.nextInt(3) == 0
                                ? keyed("k" + i, to)
                                : plain("[" + i + "]", to, random.nextInt(9) + "." + random.nextInt(999)));
            }
            assertEquals(totals(increments), totals(Increment.summed(increments)));
        }
    }

    private static Map<SumKey, Quantity> totals(List<Increment> increments) {
        Map<SumKey, Quantity> totals = new HashMap<>();
        increments.forEach(i -> i.parts().forEach((to, q) -> totals.merge(to, q, Quantity::plus)));
        return totals;
    }

    @Test
    void keysDifferWhereAnythingOfThemDoes() {
        SumKey key = new SumKey("p", "d", "b", 1, "t");
        assertEquals(new SumKey("p", "d", "b", 1, "t"), key);
        assertEquals(new SumKey("p", "d", "b", 1, "t").hashCode(), key.hashCode());
        for (SumKey other : List.of(
                new SumKey("x", "d", "b", 1, "t"),
                new SumKey("p", "x", "b", 1, "t"),
                new SumKey("p", "d", "x", 1, "t"),
                new SumKey("p", "d", "b", 2, "t"),
                new SumKey("p", "d", "b", 1, "x"))) {
            assertNotEquals(key, other);
        }
        HourKey hour = new HourKey("p", "d", 1);
        assertEquals(new HourKey("p", "d", 1), hour);
        assertEquals(new HourKey("p", "d", 1).hashCode(), hour.hashCode());
        for (HourKey other : List.of(new HourKey("x", "d", 1), new HourKey("p", "x", 1), new HourKey("p", "d", 2))) {
            assertNotEquals(hour, other);
        }
    }
}
