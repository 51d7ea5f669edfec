package io.tallystick.agent.ship;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.AgentKey;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.Counter;
import io.tallystick.agent.enroll.Enroller;
import io.tallystick.agent.enroll.Speaker;
import io.tallystick.agent.net.Aggregator;
import io.tallystick.agent.net.IssuerKeys;
import io.tallystick.agent.net.Refused;
import io.tallystick.agent.net.Unreachable;
import io.tallystick.agent.store.Store;
import io.tallystick.agent.store.Tx;
import io.tallystick.agent.store.Unclaimed;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Decision;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.random.RandomGenerator;

/**
 * Sends what other VMs left whose state this agent found and set aside: a disk moved here, an image of a VM that is gone.
 * Under their names and with their keys, once the aggregator says that they do not speak for themselves; after the
 * comparison that a rolled-back state needs, so that nothing they sent is sent again. A VM that lives on sends its usage
 * itself, and all that is done here is to ask each hour.
 *
 * <p>Called by the main loop only; {@link #told} by any thread. A crash at any point is like one of a rolled-back state: the
 * next attempt compares again.
 */
public final class Remainder {
    static final Duration ASK_EVERY = Duration.ofHours(1);
    /** After an attempt that the network ended, or another's on the same state; and up to as much more. */
    static final Duration AGAIN = Duration.ofMinutes(5);
    /**
     * The aggregator must have said twice that a VM is silent, not longer apart than this: after a time in which nobody was
     * heard of, the first to ask must not come before the VM itself.
     */
    static final Duration SURE_WITHIN = Duration.ofMinutes(30);

    /** How long it is tried, from the first attempt on: older usage is later than what products take, by default. */
    static final Duration TRIED_FOR = Shipper.KINDS_KEPT;

    /** How it ended, in a file set aside; absent while it did not. */
    private static final String END = "remainder";

    private static final String SINCE = "remainder.since";
    /** That this agent may have sent something. */
    private static final String TRIED = "remainder.tried";

    private static final Logger LOG = Logger.getLogger(Remainder.class.getName());

    private final Store store;
    private final Aggregator aggregator;
    private final IssuerKeys keys;
    private final Enroller enroller;
    private final TrustedTime time;
    private final TimeSource source;
    private final Board board;
    private final RandomGenerator random;
    private final int maxMib;
    private final Map<String, Told> told = new ConcurrentHashMap<>();
    /** When the aggregator let the file's VM be spoken for, by boot time. */
    private final Map<String, Long> silent = new HashMap<>();

    private long nextAt = Long.MIN_VALUE;
    private int attempts;

    /** What is to be said of a file set aside. */
    private record Told(boolean ended, String sentence) {}

    /** @param maxMib the most that a file set aside may take while it is worked on */
    public Remainder(
            Store store,
            Aggregator aggregator,
            IssuerKeys keys,
            Enroller enroller,
            TrustedTime time,
            TimeSource source,
            Board board,
            RandomGenerator random,
            int maxMib) {
        this.store = store;
        this.aggregator = aggregator;
        this.keys = keys;
        this.enroller = enroller;
        this.time = time;
        this.source = source;
        this.board = board;
        this.random = random;
        this.maxMib = maxMib;
    }

    /** What became of the usage in this file; empty before the first look. */
    public Optional<String> told(String name) {
        return Optional.ofNullable(told.get(name)).map(Told::sentence);
    }

    /** Tries each file set aside that is not done with, where that is due. */
    public void turn() {
        Optional<EnrollmentId> me = board.standing().enrollment();
        if (source.bootMillis() < nextAt
                || me.isEmpty()
                || !enroller.enrolled()
                || enroller.trialUntil().isPresent()
                || time.now().isEmpty()) {
            return;
        }
        nextAt = source.bootMillis() + ASK_EVERY.toMillis();
        for (String name : store.folder().setAside()) {
            Told before = told.get(name);
            if (before == null || !before.ended()) {
                Told now = attempt(name, me.get());
                told.put(name, now);
                if (!now.equals(before) && board.note(time.nowOrWall(), "remainder", name + ": " + now.sentence())) {
                    LOG.log(Level.WARNING, "remainder of {0}: {1}", new Object[] {name, now.sentence()});
                }
            }
        }
    }

    private Told attempt(String name, EnrollmentId me) {
        // A start of its own: what an attempt before left uncut is compared like all the rest.
        String run = store.run() + "." + ++attempts;
        try (Store left = new Store(store.folder().beside(name), run, maxMib, cause -> {})) {
            return new Left(left, name).send(me);
        } catch (Unreachable e) {
            soon();
            return new Told(false, "waits: " + e.getMessage());
        } catch (Refused e) {
            if (!e.is(ErrorCode.CONFLICT) && !e.is(ErrorCode.NOT_FOUND)) {
                soon();
            }
            silent.remove(name);
            return new Told(false, "waits: " + e.detail());
        } catch (Failure e) {
            return new Told(false, "waits: " + e.detail());
        } catch (SQLException e) {
            return new Told(false, "the file cannot be read: " + e.getMessage());
        }
    }

    private void soon() {
        nextAt = source.bootMillis() + AGAIN.toMillis() + random.nextLong(AGAIN.toMillis());
    }

    /** A file set aside while it is open. */
    private final class Left implements Speaker {
        private final Store left;
        private final String name;
        private final Counter counter;
        private final AgentKey key;
        private final Sending sending;

        Left(Store left, String name) {
            this.left = left;
            this.name = name;
            this.counter = new Counter(left);
            this.key = left.call(AgentKey::loadOrMake);
            this.sending = new Sending(left, aggregator, keys, time, what -> {});
        }

        @Override
        public AgentKey key() {
            return key;
        }

        @Override
        public long nextCounter() {
            return counter.next();
        }

        @Override
        public Instant iat() {
            return enroller.iat();
        }

        Told send(EnrollmentId me) throws Unreachable, Refused {
            Optional<String> before = left.call(tx -> tx.meta(END));
            if (before.isPresent()) {
                return new Told(true, before.get());
            }
            Instant now = time.now().orElseThrow();
            Instant since = left.call(tx -> begin(tx, now));
            Optional<EnrollmentId> id = left.call(tx -> tx.meta("enrollment")).map(EnrollmentId::parse);
            if (key.thumbprint().equals(enroller.key().thumbprint())) {
                return end("this VM goes on with it");
            }
            if (left.call(Left::isEmpty)) {
                boolean tried = left.call(tx -> tx.meta(TRIED)).isPresent();
                return end(tried && id.isPresent() ? sent(id.get()) : "nothing was left to send");
            }
            if (id.isEmpty()) {
                return end("the VM was never enrolled, so nobody can send its usage");
            }
            if (now.isAfter(since.plus(TRIED_FOR))) {
                return end("not sent: the VM spoke for itself for " + TRIED_FOR.toDays() + " days");
            }
            Cutter cutter = new Cutter(time, source, aggregator.issuer());
            Resumption resumption = new Resumption(left, aggregator, keys, this, cutter, Optional.of(me));
            if (!isSilent(resumption, id.get())) {
                soon();
                return new Told(false, "waits: the VM is silent; it is asked once more");
            }
            Cutter.Terms terms = terms();
            catchUp(resumption, id.get(), terms);
            sendAll(id.get(), cutter, terms);
            return end(sent(id.get()));
        }

        private static String sent(EnrollmentId id) {
            return "sent under the name of " + id;
        }

        private static Instant begin(Tx tx, Instant now) throws SQLException {
            Unclaimed.keepApart(tx);
            Instant since = tx.meta(SINCE).map(Instant::parse).orElse(now);
            tx.meta(SINCE, since.toString());
            return since;
        }

        private static boolean isEmpty(Tx tx) throws SQLException {
            return tx.number("SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM slot_pending)"
                            + " + (SELECT count(*) FROM batch WHERE acked IS NULL)")
                    == 0;
        }

        /** Whether it was so a moment ago, and is still. The VM may have used more of its counter than this state knows of. */
        private boolean isSilent(Resumption resumption, EnrollmentId id) throws Unreachable, Refused {
            try {
                resumption.ask(id);
            } catch (Refused e) {
                if (!e.is(ErrorCode.STALE_COUNTER) || !(e.member("counter").orElse(null) instanceof Long last)) {
                    throw e;
                }
                counter.adopt(last);
                resumption.ask(id);
            }
            long now = source.bootMillis();
            Long before = silent.put(name, now);
            return before != null && now - before >= AGAIN.toMillis() && now - before <= SURE_WITHIN.toMillis();
        }

        private void catchUp(Resumption resumption, EnrollmentId id, Cutter.Terms terms) throws Unreachable, Refused {
            resumption.catchUp(id, terms, Optional.empty());
            left.call(tx -> {
                tx.meta(TRIED, "yes");
                return id;
            });
        }

        private void sendAll(EnrollmentId id, Cutter cutter, Cutter.Terms terms) throws Unreachable, Refused {
            while (left.call(tx -> cutter.cut(tx, key, id, terms, false))) {
                LOG.log(Level.FINE, "cut a batch of {0}", id);
            }
            for (Optional<Chain.Sealed> next = sending.next(); next.isPresent(); next = sending.next()) {
                sending.send(next.get(), id);
            }
        }

        /** As the last answer to that VM said. */
        private Cutter.Terms terms() {
            try {
                return left.call(tx -> tx.meta("answer"))
                        .map(compact -> Answer.parse(
                                Jws.parseCompact(compact, Typ.ANSWER).payload()))
                        .map(a -> new Cutter.Terms(
                                a.decisions().stream().map(Decision::product).toList(), Optional.of(a.plan())))
                        .orElse(Cutter.Terms.NONE);
            } catch (Failure e) {
                return Cutter.Terms.NONE;
            }
        }

        private Told end(String sentence) {
            String told = left.call(tx -> {
                long unclaimed = Unclaimed.count(tx);
                String whole = unclaimed == 0
                        ? sentence
                        : sentence + "; kept and not sent: usage of starts that never learnt whose VM they ran on, "
                                + unclaimed + (unclaimed == 1 ? " sum" : " sums");
                tx.meta(END, whole);
                return whole;
            });
            return new Told(true, told);
        }
    }
}
