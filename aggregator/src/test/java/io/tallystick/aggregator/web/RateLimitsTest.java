package io.tallystick.aggregator.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tallystick.aggregator.web.RateLimits.Limit;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RateLimitsTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final AtomicLong nanos = new AtomicLong();
    private final RateLimits limits =
            new RateLimits(Map.of(Limit.ADDRESS, new Quota(60, Duration.ofMinutes(1))), registry, nanos::get);

    private int let(String key, int tries) {
        int passed = 0;
        for (int i = 0; i < tries; i++) {
            try {
                limits.take(Limit.ADDRESS, key);
                passed++;
            } catch (Failure refused) {
                assertEquals(ErrorCode.RATE_LIMITED, refused.code());
            }
        }
        return passed;
    }

    @Test
    void aBurstIsTheQuotaAndAfterItTheRate() {
        assertEquals(60, let("a", 100));
        nanos.addAndGet(Duration.ofSeconds(10).toNanos());
        assertEquals(10, let("a", 100));
        nanos.addAndGet(Duration.ofHours(1).toNanos());
        assertEquals(60, let("a", 100));
    }

    @Test
    void oneWhoAsksTooOftenCostsNobodyElseAnything() {
        let("a", 1000);
        assertEquals(60, let("b", 60));
        limits.take(Limit.CALLER, "a");
    }

    @Test
    void whatIsRefusedSaysHowLongToWaitAndThatIsEnough() {
        let("a", 60);
        Failure refused = assertThrows(Failure.class, () -> limits.take(Limit.ADDRESS, "a"));
        assertEquals(1L, refused.data().get(Problems.RETRY_AFTER));
        assertEquals("requests-per-address", refused.data().get("limit"));
        nanos.addAndGet(Duration.ofSeconds(1).toNanos());
        limits.take(Limit.ADDRESS, "a");
        assertEquals(
                1,
                registry.get("tallystick.requests.limited")
                        .tag("limit", "requests-per-address")
                        .counter()
                        .count());
    }

    @Test
    void refusingDoesNotLengthenTheWait() {
        let("a", 60);
        let("a", 10_000);
        nanos.addAndGet(Duration.ofSeconds(5).toNanos());
        assertEquals(5, let("a", 10));
    }

    @Test
    void aMillionAddressesStayWithinTheBoundAndKeepWhoIsSeenOftenLimited() {
        let("often", 100);
        for (int i = 0; i < 1_000_000; i++) {
            limits.take(Limit.ADDRESS, "address-" + i);
            if (i % 1000 == 0) {
                assertEquals(0, let("often", 3), "after " + i);
            }
        }
        assertTrue(limits.size(Limit.ADDRESS) <= RateLimits.KEYS_MAX, "kept " + limits.size(Limit.ADDRESS));
    }

    @Test
    void whatIsFullAgainIsForgotten() {
        let("a", 1);
        assertEquals(1, limits.size(Limit.ADDRESS));
        nanos.addAndGet(Duration.ofMinutes(1).toNanos());
        assertEquals(0, limits.size(Limit.ADDRESS));
    }

    @Test
    void aClientWithAnIpv6NetworkIsOneClient() {
        assertEquals(RateLimits.client("2001:db8:0:1:aaaa:bbbb:cccc:1"), RateLimits.client("2001:db8:0:1:0:0:0:ffff"));
        assertEquals("2001:db8:0:1::/64", RateLimits.client("2001:db8:0:1:0:0:0:1"));
        assertEquals("192.0.2.1", RateLimits.client("192.0.2.1"));
        assertEquals("unknown", RateLimits.client("unknown"));
    }

    @Test
    void aQuotaIsACountAndADuration() {
        assertEquals(Optional.of(new Quota(600, Duration.ofMinutes(1))), Quota.parse("600/PT1M"));
        assertEquals(Optional.empty(), Quota.parse("off"));
        for (Limit limit : Limit.values()) {
            assertEquals(
                    limit.otherwise(),
                    Quota.parse(limit.otherwise()).orElseThrow().toString());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "600",
                "/PT1M",
                "0/PT1M",
                "10000001/PT1M",
                "-1/PT1M",
                "6.5/PT1M",
                "6/1m",
                "6/PT0S",
                "6/P2D",
                "OFF"
            })
    void aQuotaThatIsNoneIsRefusedWithTheRule(String text) {
        String told = assertThrows(IllegalArgumentException.class, () -> Quota.parse(text))
                .getMessage();
        assertTrue(told.startsWith("must be a count and a duration such as 600/PT1M, or off"), told);
    }

    @ParameterizedTest
    @CsvSource({"1/PT1S", "10000000/P1D"})
    void aQuotaAtItsLimitsIsTaken(String text) {
        assertTrue(Quota.parse(text).isPresent());
    }
}
