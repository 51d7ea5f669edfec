package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.common.model.Hours;
import java.time.Duration;
import java.time.Instant;
import java.time.Year;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;

/** A market with an agreement on an offer with yearly prices, on the hour. */
record YearlyMarket(RunningAggregator running, Market market, String offer, String agreement) {
    static final Duration CLOSED = Duration.ofHours(3);
    static final Duration HOUR = Duration.ofHours(1);
    static final String PRICES =
            """
            'hourly':[{'instanceType':'m5.large','unitPrice':'0.2'},{'instanceType':'m5.xlarge','unitPrice':'0.2'},
              {'instanceType':'m7i.xlarge','unitPrice':'0.3'},{'instanceType':'c7g.large','unitPrice':'0.1'},
              {'instanceType':'t3.micro','unitPrice':'0.01'}],
            'yearly':[{'instanceType':'m5.large','unitPrice':'1500'},{'instanceType':'m5.xlarge','unitPrice':'1500'},
              {'instanceType':'m7i.xlarge','unitPrice':'2100'},{'instanceType':'c7g.large','unitPrice':'800'},
              {'instanceType':'t3.micro','unitPrice':'1500.01'}]""";

    /** On the hour. */
    static YearlyMarket soon(RunningAggregator running, String prices) {
        Instant now = running.clock().instant();
        running.clock().advance(Duration.between(now, Hours.of(now).plus(HOUR)));
        return at(running, prices);
    }

    static YearlyMarket here(RunningAggregator running) {
        // The first of the next July whose year to come has no leap day: the tests' order changes no amount.
        Instant now = running.clock().instant();
        Year year = Year.from(now.atOffset(ZoneOffset.UTC));
        Instant start = july(year);
        while (start.isBefore(now) || year.plusYears(1).isLeap()) {
            year = year.plusYears(1);
            start = july(year);
        }
        running.clock().advance(Duration.between(now, start));
        return at(running, PRICES);
    }

    private static YearlyMarket at(RunningAggregator running, String prices) {
        Market market = new Market(running, "uptime-hours");
        String offer = market.offer("EUR", prices);
        return new YearlyMarket(running, market, offer, market.accept(offer));
    }

    static Instant july(Year year) {
        return year.atMonth(7).atDay(1).atStartOfDay().toInstant(ZoneOffset.UTC);
    }

    Http.Answer buy(String... counts) {
        return market.years(agreement, "'add':" + counts(counts)).expect(201);
    }

    Http.Answer amend(String add, String remove) {
        return market.amend(agreement, change(add, remove));
    }

    Http.Answer quote(String add, String remove) {
        return market.quote(agreement, change(add, remove));
    }

    private static String change(String add, String remove) {
        return "'add':" + counts(add) + ",'remove':" + counts(remove);
    }

    /** Of {@code "2 m5.large, 1 c7g.large"} the JSON. */
    private static String counts(String... texts) {
        StringBuilder json = new StringBuilder();
        for (String text : String.join(",", texts).split(",", -1)) {
            if (!text.isBlank()) {
                String[] parts = text.strip().split(" ", -1);
                json.append(json.isEmpty() ? "" : ",")
                        .append("{'count':" + parts[0] + ",'instanceType':'" + parts[1] + "'}");
            }
        }
        return "[" + json + "]";
    }

    List<Map<String, Object>> amendments(String token) {
        return running.http()
                .get("/v1/agreements/" + agreement + "/amendments", token)
                .expect(200)
                .list("items");
    }

    List<Map<String, Object>> amendments() {
        return amendments(running.operator());
    }

    /** The charges of what was bought. */
    List<String> bought() {
        market.pass(CLOSED);
        return Market.shown(
                market.charges().stream()
                        .filter(c -> "purchase".equals(c.get("kind")))
                        .toList(),
                "quantity",
                "instanceType",
                "unitPrice",
                "amount");
    }
}
