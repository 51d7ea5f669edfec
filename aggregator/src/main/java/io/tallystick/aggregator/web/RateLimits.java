package io.tallystick.aggregator.web;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Refuses who asks too often, by address and by identity, before anything is read, looked up or verified. Each process
 * counts for itself, in memory, over at most {@link #KEYS_MAX} keys a limit: whoever has more addresses than that makes
 * rarely seen ones start afresh, which they would with yet another address, too. Any thread.
 */
public final class RateLimits {
    /** Buckets kept a limit, about half a kilobyte each; the least used go first. */
    public static final int KEYS_MAX = 50_000;

    /** The member of a problem document that names the limit. */
    static final String MEMBER = "limit";

    /** How often a limit that refuses says so in the log. */
    static final Duration LOG_EVERY = Duration.ofSeconds(10);

    private static final long NANOS_PER_SECOND = Duration.ofSeconds(1).toNanos();
    private static final Logger LOG = LoggerFactory.getLogger(RateLimits.class);

    /** The limits there are. A client's address is that of {@link ClientAddresses}; of IPv6 its first 64 bits. */
    public enum Limit {
        /** Requests from one address; a fleet behind one NAT is one address. */
        ADDRESS("requests-per-address", "30000/PT1M"),
        /** Requests by one API token or signed-in user. */
        CALLER("requests-per-caller", "6000/PT1M"),
        /**
         * Leases, batches and the like of one enrollment. The id is not proved yet, so it counts together with the address:
         * nobody uses up what is another's.
         */
        ENROLLMENT("requests-per-enrollment", "600/PT1M"),
        /** Enrollments from one address: each costs signatures, and perhaps a call to a cloud. */
        ENROLL("enrollments-per-address", "1200/PT1M"),
        /** Passwords tried from one address; spares the database, which keeps narrower counts for all processes. */
        SIGN_IN("sign-ins-per-address", "120/PT1M");

        private final String wire;
        private final String otherwise;

        Limit(String wire, String otherwise) {
            this.wire = wire;
            this.otherwise = otherwise;
        }

        /** The setting, without its prefix; also in problem documents and metrics. */
        public String wire() {
            return wire;
        }

        /** The quota where nothing is set. */
        public String otherwise() {
            return otherwise;
        }
    }

    private final Map<Limit, Buckets> buckets = new EnumMap<>(Limit.class);

    /**
     * @param quotas a limit that is missing limits nothing
     * @param nanoTime a monotonic clock: a clock that is put right must not refill or empty anything
     */
    public RateLimits(Map<Limit, Quota> quotas, MeterRegistry registry, LongSupplier nanoTime) {
        for (Limit limit : Limit.values()) {
            Counter refused = Counter.builder("tallystick.requests.limited")
                    .description("Requests refused because somebody asked too often")
                    .tag(MEMBER, limit.wire())
                    .register(registry);
            Optional.ofNullable(quotas.get(limit))
                    .ifPresent(quota -> buckets.put(limit, new Buckets(limit, quota, refused, nanoTime)));
        }
    }

    /** Counts one request; fails with {@code rate-limited} and the time to wait where it is one too many. */
    void take(Limit limit, String key) {
        Buckets of = buckets.get(limit);
        if (of != null) {
            of.take(key);
        }
    }

    /** What stands for a client: an IPv4 address, or the network of an IPv6 one, as a single client has 2⁶⁴ of those. */
    static String client(String address) {
        String[] groups = address.split(":", -1);
        // Java writes IPv6 addresses with all their eight groups.
        return groups.length == 8 ? String.join(":", groups[0], groups[1], groups[2], groups[3]) + "::/64" : address;
    }

    /** Keys in memory; an estimate, for tests. */
    long size(Limit limit) {
        Buckets of = buckets.get(limit);
        return of == null ? 0 : of.size();
    }

    /** One limit's buckets. */
    private static final class Buckets {
        private final Limit limit;
        private final Quota quota;
        private final Counter refused;
        private final LongSupplier nanoTime;
        private final Cache<Hash, Bucket> kept;
        private final Seldom told;

        Buckets(Limit limit, Quota quota, Counter refused, LongSupplier nanoTime) {
            this.limit = limit;
            this.quota = quota;
            this.refused = refused;
            this.nanoTime = nanoTime;
            this.told = new Seldom(LOG_EVERY, nanoTime);
            this.kept = Caffeine.newBuilder()
                    .maximumSize(KEYS_MAX)
                    // After that long a bucket is full again, so nothing is forgotten.
                    .expireAfterAccess(quota.per())
                    .ticker(nanoTime::getAsLong)
                    .executor(Runnable::run)
                    .build();
        }

        void take(String key) {
            // Hashed, as a key is as long as its sender likes.
            Bucket bucket = kept.get(Hash.of(key.getBytes(StandardCharsets.UTF_8)), k -> bucket());
            ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
            if (!probe.isConsumed()) {
                refused.increment();
                log(key);
                long seconds = Math.max(1, (probe.getNanosToWaitForRefill() + NANOS_PER_SECOND - 1) / NANOS_PER_SECOND);
                throw Failure.of(ErrorCode.RATE_LIMITED, "more than " + quota + " (" + limit.wire() + ")")
                        .with(Problems.RETRY_AFTER, seconds)
                        .with(MEMBER, limit.wire());
            }
        }

        long size() {
            kept.cleanUp();
            return kept.estimatedSize();
        }

        private Bucket bucket() {
            return Bucket.builder()
                    .addLimit(l -> l.capacity(quota.count()).refillGreedy(quota.count(), quota.per()))
                    .withCustomTimePrecision(new Meter(nanoTime))
                    .build();
        }

        /** One line in a while: refusing must stay cheaper than asking. */
        private void log(String key) {
            if (told.isTime()) {
                LOG.warn("{}: more than {} by {}", limit.wire(), quota, Problems.oneLine(key));
            }
        }
    }

    private record Meter(LongSupplier nanoTime) implements TimeMeter {
        @Override
        public long currentTimeNanos() {
            return nanoTime.getAsLong();
        }

        @Override
        public boolean isWallClockBased() {
            return false;
        }
    }
}
