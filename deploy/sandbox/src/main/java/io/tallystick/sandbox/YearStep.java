package io.tallystick.sandbox;

import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** A buyer pays a year of two instances ahead, runs three, and amends what it bought; the statement shows all of it. */
final class YearStep implements Story.Step {
    private static final String CLOUD_ACCOUNT = "121314151617";
    private static final String TYPE = "m5.large";
    private static final String LARGER = "m5.xlarge";
    private static final String AN_HOUR = "0.20";
    private static final String A_YEAR = "1500";
    private static final String A_YEAR_LARGER = "2900";
    private static final int BOUGHT = 2;
    private static final int RUNNING = 3;
    private static final int CENTS = 2;

    @Override
    public String title() {
        return "a buyer pays a year ahead, amends it, and the statement shows it";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        // Well inside a month, so that all of it is on one statement.
        LocalDate month = Months.of(market.now()).plusMonths(1);
        market.advanceTo(month.plusDays(1).atStartOfDay(ZoneOffset.UTC).toInstant());
        PaidStep.awaitAllowed(scene, market.firstAgent());
        Rest operator = scene.operator();
        String seller = Seeder.account(operator, "seller", "Seller by the Year");
        String buyer = Seeder.account(operator, "buyer", "Buyer by the Year");
        Seeder.cloudAccount(operator, buyer, CLOUD_ACCOUNT);
        Doc product = product(operator, seller);
        String agreement = Seeder.agreement(operator, product.text("id"), buyer);
        String token = operator.post("/v1/tokens", Json.object("role", "buyer", "account", buyer))
                .expect(201)
                .json()
                .text("secret");
        Rest api = market.rest().with(token);
        String path = "/v1/agreements/" + agreement;

        Doc bought = api.post(path + "/years", Json.object("add", counts(TYPE, BOUGHT), "clientToken", "first-year"))
                .expect(201)
                .json();
        Expect.equal("price of the year", "3000.00", bought.text("amount"));
        scene.tell()
                .did(
                        "bought " + BOUGHT + " " + TYPE + " for the year, as the buyer",
                        bought.text("amount") + " " + Seeder.CURRENCY + ", from " + bought.text("termStart") + " to "
                                + bought.text("termEnd"));

        Instant hour = Instant.parse(bought.text("termStart"));
        market.advanceTo(hour.plusSeconds(60));
        for (int i = 0; i < RUNNING; i++) {
            RawAgent agent = new RawAgent(market.rest(), market.aggregatorUrl().toString(), market.clock());
            String instance = market.launchBare(VmSpec.of(CLOUD_ACCOUNT)
                            .region(Marketplace.REGION)
                            .instanceType(TYPE)
                            .productCodes(product.text("productCode")))
                    .instanceId();
            agent.enroll(RawAgent.evidence(market.cloud().vm(instance).metadata()));
            agent.send(List.of(
                    MeteringRecord.increment(Seed.UPTIME, hour.truncatedTo(ChronoUnit.HOURS), Quantity.parse("1"))));
        }

        Rest.Reply refused = api.post(path + "/amendments", Json.object("remove", counts(TYPE, 1)))
                .expect(409);
        Map<String, Object> change = Json.object("add", counts(LARGER, 1), "remove", counts(TYPE, 1));
        String quoted = api.post(path + "/quotes", change).expect(200).json().text("amount");
        Doc amended = api.post(path + "/amendments", change).expect(201).json();
        Expect.equal("amount of the amendment, as quoted", quoted, amended.text("amount"));
        Expect.equal("amount of the amendment", share(amended), amended.text("amount"));
        scene.tell()
                .did(
                        "asked to give one back; asked for a quote and switched one to " + LARGER,
                        refused.json().text("detail") + "; " + amended.text("amount") + " " + Seeder.CURRENCY + " for "
                                + amended.number("hoursLeft") + " of " + amended.number("hoursOfTerm") + " hours");

        Months.close(scene, month, token, market.firstAgent());
        PaidStep.awaitAllowed(scene, market.firstAgent());
        List<String> lines = new ArrayList<>();
        Months.statement(scene, month, token).objects("items").stream()
                .sorted(Comparator.comparing(
                        l -> l.text("sku") + l.optionalText("reason").orElse("")))
                .forEach(l -> lines.add(l.text("kind") + " " + l.text("dimension") + " " + l.text("quantity") + " "
                        + l.optionalText("coveredQuantity").orElse("-") + " " + l.text("amount")));
        Expect.equal(
                "lines of the statement",
                List.of(
                        "purchase amendment 1 - " + amended.text("amount"),
                        "usage uptime-hours 1 - 0.20",
                        "usage uptime-hours 2 2 0.00",
                        "purchase year 2 - 3000.00"),
                lines);
        scene.tell()
                .did(
                        "ran " + RUNNING + " for an hour and let the month end",
                        "the statement has the year and its amendment, " + BOUGHT
                                + " instance hours covered, and one paid by the hour");
    }

    /** By the story's own arithmetic. */
    private static String share(Doc amended) {
        return new BigDecimal(A_YEAR_LARGER)
                .subtract(new BigDecimal(A_YEAR))
                .multiply(BigDecimal.valueOf(amended.number("hoursLeft")))
                .divide(BigDecimal.valueOf(amended.number("hoursOfTerm")), CENTS, RoundingMode.HALF_UP)
                .toPlainString();
    }

    private static List<Object> counts(String type, int count) {
        return List.of(Json.object("instanceType", type, "count", (long) count));
    }

    private static Doc product(Rest operator, String seller) {
        Doc product = operator.post(
                        "/v1/products",
                        Json.object(
                                "title",
                                "Sample Yearly Server",
                                "seller",
                                seller,
                                "closeDelay",
                                Seeder.CLOSE_DELAY,
                                "dimensions",
                                List.of(Json.object("key", Seed.UPTIME, "title", "Uptime", "unit", "hour"))))
                .expect(201)
                .json();
        for (String visibility : List.of("LIMITED", "PUBLIC")) {
            operator.put("/v1/products/" + product.text("id") + "/visibility", Json.object("visibility", visibility))
                    .expect(200, 204);
        }
        operator.post(
                        "/v1/products/" + product.text("id") + "/offers",
                        Json.object(
                                "title",
                                "By the hour or the year",
                                "currency",
                                Seeder.CURRENCY,
                                "hourly",
                                List.of(price(TYPE, AN_HOUR), price(LARGER, "0.40")),
                                "yearly",
                                List.of(price(TYPE, A_YEAR), price(LARGER, A_YEAR_LARGER))))
                .expect(201);
        return product;
    }

    private static Map<String, Object> price(String type, String unitPrice) {
        return Json.object("instanceType", type, "unitPrice", unitPrice);
    }
}
