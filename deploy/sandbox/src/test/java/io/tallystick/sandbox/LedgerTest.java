package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The checker itself must see what it is there to see. */
class LedgerTest {
    private static final String HOUR = "2026-11-21T20:00:00Z";
    private static final Ledger.Key REQUESTS = Ledger.Key.of("i-1", "requests", HOUR, Map.of());

    @Test
    void equalSumsAreEqualWhateverTheirZeros() {
        Ledger ledger = new Ledger();
        ledger.acknowledged(REQUESTS, new BigDecimal("1.5"));
        ledger.acknowledged(REQUESTS, new BigDecimal("0.5"));

        assertEquals(List.of(), ledger.differences(Map.of(REQUESTS, new BigDecimal("2.000000000"))));
    }

    @Test
    void lostDoubleAndPhantomUnitsAreTold() {
        Ledger ledger = new Ledger();
        ledger.acknowledged(REQUESTS, BigDecimal.ONE);
        Ledger.Key phantom = Ledger.Key.of("i-2", "requests", HOUR, Map.of("tenant", "alpha"));

        assertEquals(List.of("i-1 requests " + HOUR + ": acknowledged 1, billed 0"), ledger.differences(Map.of()));
        assertEquals(
                List.of("i-1 requests " + HOUR + ": acknowledged 1, billed 2"),
                ledger.differences(Map.of(REQUESTS, new BigDecimal("2"))));
        assertEquals(
                List.of("i-2 requests " + HOUR + " {tenant=alpha}: acknowledged 0, billed 3"),
                ledger.differences(Map.of(REQUESTS, BigDecimal.ONE, phantom, new BigDecimal("3"))));
    }

    @Test
    void theOrderOfTagsDoesNotMatter() {
        Map<String, String> ab = new java.util.LinkedHashMap<>();
        ab.put("a", "1");
        ab.put("b", "2");
        Map<String, String> ba = new java.util.LinkedHashMap<>();
        ba.put("b", "2");
        ba.put("a", "1");

        assertEquals(Ledger.Key.of("i-1", "d", HOUR, ab), Ledger.Key.of("i-1", "d", HOUR, ba));
    }
}
