package io.tallystick.aggregator.report;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.CloudSamples;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What a restriction or a withdrawal would touch, before somebody asks for it. Counts and sums only; nothing changes. */
public final class Impact {
    static final Duration REVENUE = Duration.ofDays(30);

    private final ImpactStore store = new ImpactStore();
    private final Catalog catalog;
    private final Versions versions;
    private final CloudSamples samples;
    private final Database database;
    private final Clock clock;

    public Impact(Catalog catalog, Versions versions, CloudSamples samples, Database database, Clock clock) {
        this.catalog = catalog;
        this.versions = versions;
        this.samples = samples;
        this.database = database;
        this.clock = clock;
    }

    /**
     * What would be touched.
     *
     * @param instances those whose agents were heard of within a day, by cloud and region
     * @param atClouds what the clouds show running, as far as there are keys to look
     * @param agreements open ones; of a version those of accounts that run it
     * @param amounts charged, by currency
     * @param since from when on revenue is counted
     */
    public record Touched(
            Map<String, Long> instances,
            CloudSamples.Comparison atClouds,
            long agreements,
            Map<String, BigDecimal> amounts,
            Instant since,
            Instant at) {
        /** Those heard of, everywhere. */
        public long running() {
            return instances.values().stream().mapToLong(Long::longValue).sum();
        }

        public Map<String, Object> json() {
            return Json.object(
                    "at",
                    at,
                    "instances",
                    running(),
                    "instancesByRegion",
                    instances.entrySet().stream()
                            .map(e -> Json.object(
                                    "cloud",
                                    e.getKey().substring(0, e.getKey().indexOf(' ')),
                                    "region",
                                    e.getKey().substring(e.getKey().indexOf(' ') + 1),
                                    "instances",
                                    e.getValue()))
                            .toList(),
                    "atClouds",
                    atClouds.json(),
                    "agreements",
                    agreements,
                    "revenueSince",
                    since,
                    "revenue",
                    amounts.entrySet().stream()
                            .map(e -> Json.object(
                                    "currency",
                                    e.getKey(),
                                    "amount",
                                    e.getValue().stripTrailingZeros().toPlainString()))
                            .toList());
        }
    }

    /** Of a whole product that the caller manages. */
    public Future<Touched> ofProduct(Caller caller, String productId) {
        return catalog.managed(database.reads(), caller, productId)
                .compose(product -> touched(product, Optional.empty()));
    }

    /** Of one version: what runs its copy, or the image it was made of. What buyers derived from it is not told apart. */
    public Future<Touched> ofVersion(Caller caller, String versionId) {
        return versions.get(database.reads(), caller, versionId).compose(view -> {
            ProductVersion version = view.version();
            return catalog.managed(database.reads(), caller, version.productId())
                    .compose(product -> touched(product, Optional.of(version)));
        });
    }

    private Future<Touched> touched(Product product, Optional<ProductVersion> version) {
        Instant now = Columns.micros(clock.instant());
        Optional<List<String>> images = version.map(
                v -> Stream.concat(v.copies().stream().map(VersionCopy::imageId), Stream.of(v.sourceImageId()))
                        .toList());
        return store.instances(database.reads(), product.code(), images, now.minus(CloudSamples.HEARD))
                .compose(instances -> samples.compare(database.reads(), product.code(), images)
                        .compose(atClouds -> store.agreements(database.reads(), product, images, now)
                                .compose(agreements -> store.amounts(
                                                database.reads(), product.id(), images, now.minus(REVENUE))
                                        .map(amounts -> new Touched(
                                                instances, atClouds, agreements, amounts, now.minus(REVENUE), now)))));
    }
}
