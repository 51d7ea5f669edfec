package io.tallystick.sandbox;

import io.tallystick.common.json.Json;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** What the steps of the story share: the marketplace, the books, and the moves every step needs. */
final class Scene {
    /** Patience for things that take a few network round trips. */
    static final Duration SOON = Duration.ofSeconds(30);
    /**
     * For what an agent or the aggregator does on its own schedule. An agent pauses up to a minute between two tries, for
     * its batch first and, where it is denied for want of that, for a lease half a minute on.
     */
    static final Duration PATIENCE = Duration.ofMinutes(4);

    private final Marketplace market;
    private final Ledger ledger = new Ledger();
    private final Teller teller;

    Scene(Marketplace market, Teller teller) {
        this.market = market;
        this.teller = teller;
    }

    Marketplace market() {
        return market;
    }

    Ledger ledger() {
        return ledger;
    }

    Teller tell() {
        return teller;
    }

    Seed seed() {
        return market.seed();
    }

    Rest operator() {
        return market.rest().with(seed().operatorToken());
    }

    Billing billing() {
        return new Billing(market.rest().with(seed().billingToken()));
    }

    /** The start of the hour a time lies in, as the bill writes it. */
    static String hour(Instant time) {
        return time.truncatedTo(ChronoUnit.HOURS).toString();
    }

    /** One record as the agent's local API takes it. */
    static Map<String, Object> record(String dimension, String quantity, Instant time, String key) {
        return Json.object("dimension", dimension, "quantity", quantity, "timestamp", time, "idempotencyKey", key);
    }

    /** Meters one record at this agent and books it as acknowledged. */
    void meter(Agent agent, String instance, String dimension, String quantity, Instant time, String key) {
        agent.meter(record(dimension, quantity, time, key)).expect(200);
        acknowledged(instance, dimension, quantity, time);
    }

    /** Books what an agent acknowledged, untagged. */
    void acknowledged(String instance, String dimension, String quantity, Instant time) {
        ledger.acknowledged(Ledger.Key.of(instance, dimension, hour(time), Map.of()), new BigDecimal(quantity));
    }

    /** Lets every clock pass the agents' flush interval and waits until these have nothing left to send. */
    void flush(Agent... agents) {
        awaitShipped(market.advance(Seeder.FLUSH_INTERVAL.plusSeconds(1)), agents);
    }

    /** Waits until these agents have flushed since then, and sent all of it: usage in an agent's memory is no more to be seen. */
    void awaitShipped(Instant since, Agent... agents) {
        // An agent's time may be behind by as much as an answer takes.
        Instant least = since.minusSeconds(1);
        for (Agent agent : agents) {
            Expect.eventually(
                    PATIENCE,
                    agent.name() + " with nothing left to send after a flush since " + least,
                    agent::status,
                    status ->
                            Agent.isShipped(status) && !Agent.flushedAt(status).isBefore(least));
        }
    }

    /**
     * Closes the hour that is running: moves past its end, waits until these agents sent all they have, moves past the
     * close delay, and waits until a pull from the beginning equals the books.
     */
    Billing.Pull closeAndCompare(Agent... agents) {
        Instant end = market.now().truncatedTo(ChronoUnit.HOURS).plus(1, ChronoUnit.HOURS);
        market.advanceTo(end.plusSeconds(1));
        flush(agents);
        market.advanceTo(end.plus(Seeder.CLOSE_DELAY).plusSeconds(90));
        Billing.Pull pull = Expect.eventually(
                PATIENCE,
                "every acknowledged unit in the bill",
                () -> billing().after(Billing.BEGINNING),
                p -> ledger.differences(metered(p)).isEmpty() || overbilled(p));
        List<String> differences = ledger.differences(metered(pull));
        Expect.that(differences.isEmpty(), "a bill equal to the books to the unit", String.join("\n", differences));
        return pull;
    }

    /** Waiting cannot mend a bill that has too much. */
    private boolean overbilled(Billing.Pull pull) {
        SortedMap<Ledger.Key, BigDecimal> mine = ledger.sums();
        return metered(pull).entrySet().stream()
                .anyMatch(e -> e.getValue().compareTo(mine.getOrDefault(e.getKey(), BigDecimal.ZERO)) > 0);
    }

    /** What was billed but for the uptime, which agents meter by themselves. */
    static SortedMap<Ledger.Key, BigDecimal> metered(Billing.Pull pull) {
        SortedMap<Ledger.Key, BigDecimal> sums = new TreeMap<>(pull.sums());
        sums.keySet().removeIf(k -> k.dimension().equals(Seed.UPTIME));
        return sums;
    }

    /** The uptime billed for an instance in an hour. */
    static BigDecimal uptime(Billing.Pull pull, String instance, String hour) {
        return pull.sums().entrySet().stream()
                .filter(e -> e.getKey().dimension().equals(Seed.UPTIME)
                        && e.getKey().instance().equals(instance)
                        && e.getKey().hour().equals(hour))
                .map(Map.Entry::getValue)
                .reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    /** {@code code, sentence, remedy} of a refusal, which a vendor shows to people. */
    static String sentence(Doc answer) {
        List<String> parts = new ArrayList<>();
        parts.add(answer.text("decision"));
        for (String name : List.of("code", "sentence", "remedy")) {
            answer.optionalText(name).ifPresent(parts::add);
        }
        return String.join(" · ", parts);
    }
}
