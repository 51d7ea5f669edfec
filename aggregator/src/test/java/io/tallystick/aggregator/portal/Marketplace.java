package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A small marketplace for looking at, everything in it made as people and agents make it: a seller with three products, one
 * of them with versions that the change-set worker published at the simulated clouds and an offer with prices; two buyers;
 * three days of signed usage across the end of a month, which is posted, charged and closed into statements, but for the
 * last hours.
 */
final class Marketplace {
    static final String TITLE = "Tally Search <Enterprise>";
    /** Hours of usage. */
    static final int HOURS = 60;

    private static final Instant BEGIN = Instant.parse("2026-03-30T06:30:00Z");
    private static final int WORK_ROUNDS_MAX = 400;

    private final RunningAggregator running;
    private final ImageWorld clouds;
    final String seller;
    final String buyer;
    final String product;
    final String code;
    final String emptyProduct;
    /** With a key that waits for a decision. */
    final String enrollment;
    /** A draft, and one that was published. */
    final String draft;

    final String published;
    /** The change set that published it. */
    final String changeSet;

    /** The settings of an aggregator that this can be made in. */
    static RunningAggregator aggregator(ImageWorld clouds) {
        return RunningAggregator.with(
                clouds.settings("trust.dir=" + SimulatedRegion.trustFolder(), "billing.statement-delay=PT6H"));
    }

    Marketplace(RunningAggregator running, ImageWorld clouds) {
        this.running = running;
        this.clouds = clouds;
        clouds.follow(running);
        running.clock().advance(Duration.between(running.clock().instant(), BEGIN));
        seller = account("seller", "Armoise Logiciels SARL", "200000000001");
        String cloudAccount = "100000000001";
        buyer = account("buyer", "Brise Marine", cloudAccount);
        String otherCloudAccount = "100000000002";
        String other = account("buyer", "Cap Nord", otherCloudAccount);
        product = product(TITLE, List.of("searches", "indexed-gb", "uptime-hours"));
        code = running.code(product);
        emptyProduct = product("Tally Vault", List.of());
        running.visibility(product, "LIMITED", "PUBLIC");
        offer(
                product,
                "Pay as you go",
                List.of(price("searches", "0.0025"), price("indexed-gb", "0.04")),
                List.of(Json.object("instanceType", "m5.large", "unitPrice", "0.12")));
        running.agreement(product, buyer);
        running.agreement(product, other);
        String old = publish(version("1.4", Cloud.AWS));
        published = old;
        String latest = version("1.5", Cloud.AWS);
        changeSet = change("PublishVersion", latest);
        publish(version("1.5 OUTSCALE", Cloud.OUTSCALE));
        change("RestrictVersion", old);
        draft = version("1.6", Cloud.AWS);
        String copy = String.valueOf(running.http()
                .get("/v1/versions/" + latest, running.operator())
                .list("copies")
                .get(0)
                .get("imageId"));

        Instant start = running.clock().instant();
        ProtocolClient.Vm vm =
                SimulatedRegion.vm(cloudAccount, start, List.of(code)).of(copy);
        ProtocolClient first = SimulatedRegion.client(running, vm);
        ProtocolClient second =
                SimulatedRegion.client(running, SimulatedRegion.vm(otherCloudAccount, start, List.of(code)));
        first.enroll();
        second.enroll();
        for (int hour = 0; hour < HOURS; hour++) {
            running.clock().advance(Duration.ofHours(1));
            Instant at = running.clock().instant();
            first.send(
                    record("searches", at, String.valueOf(40 + (hour * 7) % 31)),
                    record("indexed-gb", at, "1.25"),
                    record("uptime-hours", at, "1"));
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
        running.charge();
        String priced = product("Tally Maps", List.of("searches", "uptime-hours"));
        running.visibility(priced, "LIMITED", "PUBLIC");
        offer(
                priced,
                "Pay as you go",
                List.of(price("searches", "0.0025")),
                List.of(Json.object("instanceType", "m5.large", "unitPrice", "0.12")));
        running.http()
                .post(
                        "/v1/products/" + emptyProduct + "/visibility-requests",
                        running.token(Role.SELLER, seller),
                        Json.write(Json.object(
                                "visibility", "LIMITED", "note", "Ready for our first two testers.\nThank you!")))
                .expect(201);
    }

    private static Map<String, Object> price(String dimension, String unitPrice) {
        return Json.object("dimension", dimension, "unitPrice", unitPrice);
    }

    private void offer(String of, String title, List<Map<String, Object>> prices, List<Map<String, Object>> hourly) {
        post(
                "/v1/products/" + of + "/offers",
                Json.object("kind", "paid", "title", title, "currency", "EUR", "prices", prices, "hourly", hourly));
    }

    /** A draft of a new image; answers its id. */
    private String version(String title, Cloud cloud) {
        running.clock().advance(Duration.ofSeconds(1));
        String image = clouds.image(cloud, "200000000001", "tally-search-" + title.replace(' ', '-'), code);
        return post(
                        "/v1/products/" + product + "/versions",
                        Json.object(
                                "title",
                                title,
                                "cloud",
                                cloud.wire(),
                                "region",
                                ImageWorld.REGION,
                                "imageId",
                                image,
                                "softwareVersion",
                                title.substring(0, 3) + ".2",
                                "operatingSystem",
                                "Debian 12",
                                "releaseNotes",
                                "Faster searches in large indexes.\nPlease move on from 1.3."))
                .get("id");
    }

    private String publish(String version) {
        change("PublishVersion", version);
        return version;
    }

    /** Has the aggregator's workers carry the change out; answers the id of the change set. */
    private String change(String type, String version) {
        String set = post(
                        "/v1/change-sets",
                        Json.object("changes", List.of(Json.object("type", type, "version", version))))
                .get("id");
        for (int round = 0; round < WORK_ROUNDS_MAX; round++) {
            String status = running.http()
                    .get("/v1/change-sets/" + set, running.operator())
                    .get("status");
            if (status.equals("SUCCEEDED")) {
                return set;
            }
            running.clock().advance(Duration.ofSeconds(2));
            running.work();
        }
        throw new AssertionError("change set " + set + " never ended");
    }

    private Http.Answer post(String path, Map<String, Object> body) {
        return running.http().post(path, running.operator(), Json.write(body)).expect(201);
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
        List<Map<String, Object>> owned = List.of(
                Json.object("cloud", "aws", "accountId", cloudAccount),
                Json.object("cloud", "outscale", "accountId", cloudAccount));
        return post("/v1/accounts", Json.object("kind", kind, "name", name, "cloudAccounts", owned))
                .get("id");
    }

    private String product(String title, List<String> dimensions) {
        return post(
                        "/v1/products",
                        Json.object(
                                "title",
                                title,
                                "seller",
                                seller,
                                "dimensions",
                                dimensions.stream()
                                        .map(d -> Json.object(
                                                "key",
                                                d,
                                                "unit",
                                                d.equals("searches")
                                                        ? "Requests"
                                                        : d.equals("uptime-hours") ? "Hours" : "GB"))
                                        .toList()))
                .get("id");
    }
}
