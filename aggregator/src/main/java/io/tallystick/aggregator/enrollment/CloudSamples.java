package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.image.CloudVm;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.image.ImageCloudException;
import io.tallystick.aggregator.image.ImageClouds;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks clouds now and then what runs with a product's code, with the marketplace's own key and those that buyers lent, and
 * compares it with what is enrolled. A key shows the VMs of its own account and no others, so this tells of some accounts
 * all, and of the others nothing. Counts decide nothing: no entitlement and no bill rests on them.
 *
 * <p>Each site is asked once within the interval, by whichever process comes first. One that dies while it asks is followed
 * by the next when the interval is over.
 */
public final class CloudSamples {
    /** How often each site is asked, where nobody says otherwise. */
    public static final Duration EVERY = Duration.ofMinutes(5);
    /** How often to look whether a site is due. */
    public static final Duration ROUND = Duration.ofSeconds(30);
    /** An agent that was heard of since then runs: leases are renewed twice a day. */
    public static final Duration HEARD = Duration.ofHours(24);
    /** What a cloud said counts for so long. */
    static final Duration CURRENT = Duration.ofHours(1);
    /** For how long counts of the whole marketplace are shown while no cloud answers: they go through the whole fleet. */
    static final Duration COUNTED_KEPT = Duration.ofMinutes(1);
    /** Regions of agents that were heard of since then are asked in. */
    private static final Duration REGION_KEPT = Duration.ofDays(30);
    /** How long a VM that is gone is remembered. */
    private static final Duration GONE_KEPT = Duration.ofDays(90);
    /** Places asked at a time, as many as the clouds' clients have threads. */
    private static final int BESIDE = 4;

    private static final Logger LOG = LoggerFactory.getLogger(CloudSamples.class);

    /** An account at a cloud, in one region. */
    record Site(String cloud, String cloudAccount, String region) {}

    /** Since when an agent counts as heard of, and since when a cloud's answer counts. */
    record Since(Instant heard, Instant current) {}

    /** How many VMs are how, and where. */
    public record Count(CloudInstance.State state, String cloud, String region, long instances) {
        Map<String, Object> json() {
            return Json.object("cloud", cloud, "region", region, "state", state.wire(), "instances", instances);
        }
    }

    /**
     * What clouds say beside what agents say.
     *
     * @param asOf of the oldest answer that is counted; empty where no cloud answers
     * @param accounts at clouds that can be looked into
     * @param failing sites that were asked of late without an answer
     */
    public record Comparison(Optional<Instant> asOf, long accounts, long failing, List<Count> counts) {
        public Comparison {
            counts = List.copyOf(counts);
        }

        public long of(CloudInstance.State state) {
            return counts.stream()
                    .filter(c -> c.state() == state)
                    .mapToLong(Count::instances)
                    .sum();
        }

        /** All that the clouds show running. */
        public long running() {
            return counts.stream().mapToLong(Count::instances).sum() - of(CloudInstance.State.NOT_RUNNING);
        }

        /** Without what is about the whole marketplace. */
        public Map<String, Object> json() {
            return Json.object(
                    "asOf",
                    asOf.orElse(null),
                    "accounts",
                    accounts,
                    "running",
                    running(),
                    "unenrolled",
                    of(CloudInstance.State.UNENROLLED),
                    "silent",
                    of(CloudInstance.State.SILENT),
                    "notRunning",
                    of(CloudInstance.State.NOT_RUNNING),
                    "byRegion",
                    counts.stream().map(Count::json).toList());
        }
    }

    /** How long this process has nothing to ask, as far as it knows: until a time, or until somebody lends a key. */
    private record Rest(Instant since, Instant until, Set<CloudSampleStore.Lent> eyes) {
        static final Rest NONE = new Rest(Instant.MAX, Instant.MIN, Set.of());

        /** Also where a clock was set back. */
        boolean isOver(Instant now, Set<CloudSampleStore.Lent> present) {
            return !now.isBefore(until) || now.isBefore(since) || !present.equals(eyes);
        }
    }

    /** Counts of the whole marketplace, being made or made. */
    private record Counted(Instant at, Optional<Instant> newest, Future<List<Count>> counts) {
        /** Also where a clock was set back. */
        boolean holds(Instant now, Optional<Instant> answered) {
            return !counts.failed()
                    && newest.equals(answered)
                    && !now.isBefore(at)
                    && now.isBefore(at.plus(COUNTED_KEPT));
        }
    }

    private final CloudSampleStore store = new CloudSampleStore();
    private final Database database;
    private final CloudKeys keys;
    private final Confirmations.KeyedClouds keyed;
    private final ImageClouds own;
    private final Duration every;
    private final Clock clock;
    private volatile Rest rest = Rest.NONE;
    private volatile Counted counted = new Counted(Instant.MAX, Optional.empty(), Future.succeededFuture(List.of()));

    /** @param every how often each site is asked */
    public CloudSamples(
            Database database,
            CloudKeys keys,
            Confirmations.KeyedClouds keyed,
            ImageClouds own,
            Duration every,
            Clock clock) {
        this.database = database;
        this.keys = keys;
        this.keyed = keyed;
        this.own = own;
        this.every = every;
        this.clock = clock;
    }

    /**
     * Asks wherever that is due. Until then a round costs one query of keys: regions are looked up in the whole fleet, so a
     * new one waits for the next site to be due. Fails only if the database cannot be asked.
     */
    public Future<Void> round() {
        Instant now = Columns.micros(clock.instant());
        return eyes().compose(eyes -> rest.isOver(now, eyes)
                ? sites(now, eyes).compose(sites -> store.askedAt(database.reads())
                        .compose(asked -> round(now, sites, asked))
                        .onSuccess(next -> rest = new Rest(now, next, eyes))
                        .mapEmpty())
                : Future.succeededFuture());
    }

    /** When the cloud showed that the VM does not run any more; empty if it shows it, or never did. */
    public Future<Optional<Instant>> goneAt(SqlClient client, EnrollmentId id) {
        return store.goneAt(client, id);
    }

    /** Answers when the next site is due. */
    private Future<Instant> round(Instant now, List<Site> sites, Map<Site, Instant> asked) {
        List<Site> due = new ArrayList<>();
        Instant next = now.plus(every);
        for (Site site : sites) {
            Instant last = asked.get(site);
            if (last == null || last.isAfter(now) || !last.plus(every).isAfter(now)) {
                due.add(site);
            } else if (last.plus(every).isBefore(next)) {
                next = last.plus(every);
            }
        }
        Instant then = next;
        return due.isEmpty()
                ? Future.succeededFuture(then)
                : store.codes(database.reads())
                        .compose(codes -> codes.isEmpty() ? Future.succeededFuture() : askAll(due, Set.copyOf(codes)))
                        .compose(done -> store.forget(database.reads(), now.minus(GONE_KEPT)))
                        .map(then);
    }

    /** The accounts that can be looked into. */
    private Future<Set<CloudSampleStore.Lent>> eyes() {
        Set<CloudSampleStore.Lent> eyes = new HashSet<>();
        own.names().forEach(name -> own.of(name)
                .ifPresent(cloud -> eyes.add(new CloudSampleStore.Lent(name, cloud.account()))));
        return store.lent(database.reads()).map(lent -> {
            eyes.addAll(lent);
            return eyes;
        });
    }

    private Future<List<Site>> sites(Instant now, Set<CloudSampleStore.Lent> eyes) {
        Map<String, List<String>> regions = new HashMap<>();
        Future<Void> all = Future.succeededFuture();
        for (CloudSampleStore.Lent eye : eyes) {
            all = all.compose(done -> regions.containsKey(eye.cloud())
                    ? Future.succeededFuture()
                    : store.regions(database.reads(), eye.cloud(), now.minus(REGION_KEPT))
                            .onSuccess(found -> regions.put(eye.cloud(), found))
                            .mapEmpty());
        }
        return all.map(done -> {
            List<Site> sites = new ArrayList<>();
            eyes.forEach(eye -> regions.getOrDefault(eye.cloud(), List.of())
                    .forEach(region -> sites.add(new Site(eye.cloud(), eye.cloudAccount(), region))));
            return sites;
        });
    }

    private Future<Void> askAll(List<Site> sites, Set<String> codes) {
        Future<Void> all = Future.succeededFuture();
        for (int from = 0; from < sites.size(); from += BESIDE) {
            List<Site> some = sites.subList(from, Math.min(sites.size(), from + BESIDE));
            all = all.compose(done ->
                    Future.join(some.stream().map(p -> ask(p, codes)).toList()).mapEmpty());
        }
        return all;
    }

    private Future<Void> ask(Site site, Set<String> codes) {
        Instant now = Columns.micros(clock.instant());
        return store.begin(database.reads(), site, now, every)
                .compose(mine -> mine
                        ? cloudOf(site)
                                .compose(cloud -> cloud.isPresent()
                                        ? ask(site, cloud.get(), codes, now)
                                        : Future.succeededFuture())
                        : Future.succeededFuture());
    }

    /** As ourselves in our own account; elsewhere by the key its owner lent. */
    private Future<Optional<ImageCloud>> cloudOf(Site site) {
        Optional<ImageCloud> ours = own.of(site.cloud()).filter(c -> c.account().equals(site.cloudAccount()));
        return ours.isPresent()
                ? Future.succeededFuture(ours)
                : keys.of(database.reads(), site.cloud(), site.cloudAccount())
                        .map(key -> key.map(k -> keyed.with(site.cloud(), site.cloudAccount(), k)));
    }

    private Future<Void> ask(Site site, ImageCloud cloud, Set<String> codes, Instant asked) {
        return cloud.running(site.region(), codes)
                .map(running -> checked(site, running))
                .compose(running -> database.transactor().inTx(tx -> store.complete(tx, site, asked, running, codes)))
                .recover(e -> e instanceof ImageCloudException refused
                        ? failed(site, asked, refused)
                        : Future.failedFuture(e));
    }

    /** A key that turns out to be another account's tells nothing of this one. */
    private static List<CloudVm> checked(Site site, List<CloudVm> running) {
        running.stream()
                .filter(vm -> !vm.ownerAccount().equals(site.cloudAccount()))
                .findFirst()
                .ifPresent(vm -> {
                    throw new ImageCloudException(
                            "other-account", "the key is of account " + vm.ownerAccount(), false, null);
                });
        return running;
    }

    private Future<Void> failed(Site site, Instant asked, ImageCloudException e) {
        LOG.warn(
                "what runs in {} of {} at {} is not known: {}",
                site.region(),
                site.cloudAccount(),
                site.cloud(),
                e.getMessage());
        return store.failed(database.reads(), site, asked, String.valueOf(e.getMessage()));
    }

    private Since since() {
        Instant now = Columns.micros(clock.instant());
        return new Since(now.minus(HEARD), now.minus(CURRENT));
    }

    /** VMs by how the cloud's word and the agent's agree, in the order of their ids. */
    public Future<Page<CloudInstance>> list(
            SqlClient db,
            PageRequest page,
            Optional<EnrollmentId> after,
            Optional<CloudInstance.State> state,
            Optional<String> productCode) {
        return store.page(db, page, since(), after, state, productCode)
                .map(rows -> Page.of(rows, page, i -> i.id().toString()));
    }

    /**
     * How many there are in the whole marketplace: counted anew after each answer of a cloud, else at most each minute, so
     * that looking at it costs no more than that. What agents say meanwhile shows with the next count.
     */
    public Future<Comparison> overview() {
        Since since = since();
        Instant now = clock.instant();
        return store.asked(database.reads(), since.current()).compose(asked -> {
            Counted last = counted;
            if (!last.holds(now, asked.newest())) {
                last = new Counted(
                        now, asked.newest(), store.counts(database.reads(), since, Optional.empty(), Optional.empty()));
                counted = last;
            }
            return last.counts().map(counts -> comparison(asked, counts));
        });
    }

    /** How many there are of one product code, and of certain images only where they are named. */
    public Future<Comparison> compare(SqlClient db, String productCode, Optional<List<String>> images) {
        Since since = since();
        return store.counts(db, since, Optional.of(productCode), images)
                .compose(counts -> store.asked(db, since.current()).map(asked -> comparison(asked, counts)));
    }

    private static Comparison comparison(CloudSampleStore.Asked asked, List<Count> counts) {
        return new Comparison(asked.oldest(), asked.accounts(), asked.failing(), counts);
    }
}
