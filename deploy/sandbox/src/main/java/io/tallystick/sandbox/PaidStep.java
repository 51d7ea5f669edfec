package io.tallystick.sandbox;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What was metered costs what the offer says: every usage line has its charge, the month closes into a statement of
 * rounded lines, and what comes late stands in the next one.
 */
final class PaidStep implements Story.Step {
    private static final int CENTS = 2;

    private static final String IN_TIME = "1200";
    private static final String LATE = "70000";

    @Override
    public String title() {
        return "usage becomes charges, the month closes into a statement, late usage stands in the next";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        Agent agent = market.firstAgent();
        LocalDate month = Months.of(market.now());
        LocalDate next = month.plusMonths(1);

        // Something for an hour near the month's end: what comes late for it is within the late limit.
        market.advanceTo(next.atStartOfDay(ZoneOffset.UTC).toInstant().minus(3, ChronoUnit.HOURS));
        awaitAllowed(scene, agent);
        Instant spoken = market.now();
        scene.meter(agent, scene.seed().instance(), Seed.REQUESTS, IN_TIME, spoken, "in-time");
        Months.close(scene, month);
        List<Doc> charges = charges(scene);
        scene.tell()
                .did(
                        "let the month end and pulled its charges",
                        charges.size() + " charges, one for each usage line: "
                                + sum(charges).stripTrailingZeros().toPlainString() + " " + Seeder.CURRENCY
                                + " exact; requests cost what the books say");

        Doc statement = Months.statement(scene, month);
        checkLines(scene, statement, month, charges);
        scene.tell()
                .did(
                        "GET /v1/billing/statements as the buyer",
                        statement.text("month") + ": " + statement.text("amount") + " " + statement.text("currency")
                                + ", the rounded sums of its charges");

        awaitAllowed(scene, agent);
        scene.meter(agent, scene.seed().instance(), Seed.REQUESTS, LATE, spoken, "late-month");
        // Sent now: at the next month's end it would be older than the product's late limit.
        scene.flush(agent);
        Months.close(scene, next);
        Doc second = Months.statement(scene, next);
        List<Doc> adjustments = second.objects("items").stream()
                .filter(l -> l.text("kind").equals("adjustment"))
                // Uptime of an hour that was posted while it was still being sent may be one, too.
                .filter(l -> l.text("dimension").equals(Seed.REQUESTS))
                .toList();
        Expect.equal("adjustments of requests in the next statement", 1, adjustments.size());
        Expect.equal("quantity of the adjustment", LATE, adjustments.get(0).text("quantity"));
        Expect.equal(
                "amount of the adjustment",
                new BigDecimal(LATE)
                        .multiply(new BigDecimal(Seeder.REQUEST_PRICE))
                        .setScale(CENTS, RoundingMode.HALF_UP)
                        .toPlainString(),
                adjustments.get(0).text("amount"));
        Expect.equal(
                "the closed statement, read again",
                statement.toString(),
                Months.statement(scene, month).toString());
        scene.tell()
                .did(
                        "metered something for an hour of the closed month, and let the next month end",
                        "an adjustment of " + adjustments.get(0).text("amount") + " " + Seeder.CURRENCY
                                + " in the next statement; the closed one reads as before");
    }

    /** After a jump of days the agent's lease has ended; it asks for another. */
    static void awaitAllowed(Scene scene, Agent agent) {
        Expect.eventually(
                Scene.PATIENCE,
                "the agent entitled again",
                () -> agent.entitlement(scene.seed().productCode(), "month"),
                answer -> answer.text("decision").equals("allow")
                        && answer.text("state").equals("ENTITLED"));
    }

    /** Every usage line of the priced agreements has exactly one charge, at the offer's prices. */
    private static List<Doc> charges(Scene scene) {
        List<Doc> charges = scene.billing().charges();
        Billing.Pull usage = scene.billing().after(Billing.BEGINNING);
        Expect.equal("charges, one for each usage line", usage.rows().size(), charges.size());
        Set<String> places = new HashSet<>();
        BigDecimal requests = BigDecimal.ZERO;
        for (Doc c : charges) {
            Expect.that(places.add(c.text("run") + "." + c.text("line")), "one charge for a line", c);
            BigDecimal priced = new BigDecimal(c.text("pricedQuantity"));
            BigDecimal price = new BigDecimal(c.text("unitPrice"));
            Expect.equal(
                    "price of " + c.text("sku"),
                    price(c),
                    price.stripTrailingZeros().toPlainString());
            Expect.equal("amount of " + c, 0, priced.multiply(price).compareTo(new BigDecimal(c.text("amount"))));
            if (c.text("dimension").equals(Seed.REQUESTS)) {
                requests = requests.add(new BigDecimal(c.text("quantity")));
            }
        }
        BigDecimal mine = scene.ledger().sums().entrySet().stream()
                .filter(e -> e.getKey().dimension().equals(Seed.REQUESTS))
                .map(Map.Entry::getValue)
                .reduce(BigDecimal.ZERO, BigDecimal::add);
        Expect.equal("requests in the charges, as in the books", 0, requests.compareTo(mine));
        return charges;
    }

    private static String price(Doc charge) {
        return switch (charge.text("dimension")) {
            case Seed.REQUESTS -> Seeder.REQUEST_PRICE;
            case Seed.GIGABYTES -> Seeder.GIGABYTE_PRICE;
            default -> String.valueOf(Seeder.HOURLY.get(charge.text("instanceType")));
        };
    }

    /** Each line is the sum of its charges rounded once, half up, and the statement is the sum of its lines. */
    private static void checkLines(Scene scene, Doc statement, LocalDate month, List<Doc> charges) {
        Map<String, BigDecimal> exact = new TreeMap<>();
        charges.stream()
                .filter(c -> c.text("account").equals(scene.seed().buyerAccount()))
                .filter(c -> c.text("month").equals(month.toString().substring(0, 7)))
                .forEach(c -> exact.merge(
                        c.text("kind") + " " + c.text("sku") + " " + c.text("agreement"),
                        new BigDecimal(c.text("amount")),
                        BigDecimal::add));
        BigDecimal total = BigDecimal.ZERO;
        for (Doc line : statement.objects("items")) {
            String key = line.text("kind") + " " + line.text("sku") + " " + line.text("agreement");
            BigDecimal mine = exact.remove(key);
            Expect.that(mine != null, "charges behind the line " + key, line);
            BigDecimal amount = new BigDecimal(line.text("amount"));
            Expect.equal(
                    "amount of the line " + key,
                    0,
                    mine == null
                            ? -1
                            : mine.setScale(CENTS, RoundingMode.HALF_UP).compareTo(amount));
            total = total.add(amount);
        }
        Expect.that(exact.isEmpty(), "every charge of the month in a line", exact);
        Expect.equal("amount of the statement", 0, total.compareTo(new BigDecimal(statement.text("amount"))));
    }

    private static BigDecimal sum(List<Doc> charges) {
        return charges.stream().map(c -> new BigDecimal(c.text("amount"))).reduce(BigDecimal.ZERO, BigDecimal::add);
    }
}
