package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A small marketplace for looking at: one seller with two products, two buyers, and three days of signed usage of which
 * the last hours are not posted yet.
 */
final class Marketplace {
    static final String TITLE = "Tally Search <Enterprise>";

    private final RunningAggregator running;
    final String seller;
    final String buyer;
    final String product;
    final String code;
    final String emptyProduct;
    final Instant firstDay;
    /** With a key that waits for a decision. */
    final String enrollment;

    Marketplace(RunningAggregator running) {
        this.running = running;
        seller = account("seller", "Armoise Logiciels SARL", "");
        String cloudAccount = "100000000001";
        buyer = account("buyer", "Brise Marine", cloudAccount);
        String otherCloudAccount = "100000000002";
        String other = account("buyer", "Cap Nord", otherCloudAccount);
        product = product(TITLE, List.of("searches", "indexed-gb"));
        code = String.valueOf(running.http()
                .get("/v1/products/" + product, running.operator())
                .get("productCode"));
        emptyProduct = product("Tally Vault", List.of());
        running.visibility(product, "LIMITED", "PUBLIC");
        running.agreement(product, buyer);
        running.agreement(product, other);
        Instant start = running.clock().instant();
        firstDay = start.truncatedTo(ChronoUnit.DAYS);
        ProtocolClient.Vm vm = SimulatedRegion.vm(cloudAccount, start, List.of(code));
        ProtocolClient first = SimulatedRegion.client(running, vm);
        ProtocolClient second =
                SimulatedRegion.client(running, SimulatedRegion.vm(otherCloudAccount, start, List.of(code)));
        first.enroll();
        second.enroll();
        for (int hour = 0; hour < 60; hour++) {
            running.clock().advance(Duration.ofHours(1));
            Instant at = running.clock().instant();
            first.send(record("searches", at, String.valueOf(40 + (hour * 7) % 31)), record("indexed-gb", at, "1.25"));
            if (hour % 3 != 1) {
                second.send(record("searches", at, String.valueOf(15 + (hour * 5) % 17)));
            }
            if (hour == 55) {
                running.post();
            }
        }
        first.send(record("serches", running.clock().instant(), "3"));
        enrollment = first.id().toString();
        SimulatedRegion.client(running, vm).tryEnroll().expect(409);
        offer();
        running.http()
                .post(
                        "/v1/products/" + emptyProduct + "/visibility-requests",
                        running.token(Role.SELLER, seller),
                        Json.write(Json.object(
                                "visibility", "LIMITED", "note", "Ready for our first two testers.\nThank you!")))
                .expect(201);
    }

    /** A priced offer on a second public product, for the buyer's catalogue. */
    private void offer() {
        String priced = product("Tally Maps", List.of("searches", "uptime-hours"));
        running.visibility(priced, "LIMITED", "PUBLIC");
        running.http()
                .post(
                        "/v1/products/" + priced + "/offers",
                        running.operator(),
                        Json.write(Json.object(
                                "kind",
                                "paid",
                                "title",
                                "Pay as you go",
                                "currency",
                                "EUR",
                                "prices",
                                List.of(Json.object("dimension", "searches", "unitPrice", "0.0025")),
                                "hourly",
                                List.of(Json.object("instanceType", "m5.large", "unitPrice", "0.12")))))
                .expect(201);
    }

    private static MeteringRecord record(String dimension, Instant at, String quantity) {
        return new MeteringRecord(
                dimension,
                Hours.of(at),
                false,
                Quantity.parse(quantity),
                List.of(),
                Optional.empty(),
                Optional.empty());
    }

    private String account(String kind, String name, String cloudAccount) {
        List<Map<String, Object>> owned =
                cloudAccount.isEmpty() ? List.of() : List.of(Json.object("cloud", "aws", "accountId", cloudAccount));
        return running.http()
                .post(
                        "/v1/accounts",
                        running.operator(),
                        Json.write(Json.object("kind", kind, "name", name, "cloudAccounts", owned)))
                .expect(201)
                .get("id");
    }

    private String product(String title, List<String> dimensions) {
        return running.http()
                .post(
                        "/v1/products",
                        running.operator(),
                        Json.write(Json.object(
                                "title",
                                title,
                                "seller",
                                seller,
                                "dimensions",
                                dimensions.stream()
                                        .map(d ->
                                                Json.object("key", d, "unit", d.equals("searches") ? "Requests" : "GB"))
                                        .toList())))
                .expect(201)
                .get("id");
    }
}
