package io.tallystick.sandbox;

import io.tallystick.cloudsim.VmInfo;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Clock;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * A month of usage to look at, played and not back-dated: a few buyers subscribe, their VMs enroll with evidence of the
 * simulated cloud and report hour by hour while every clock moves on. Traffic follows office hours and weekdays, with
 * noise from a fixed seed, so that two sandboxes show the same pictures.
 */
final class Month {
    /** Reaches into the month after, so that there is a whole one to bill. */
    private static final int DAYS = 40;
    /** How far the clocks move at once; every hour in between is reported in its own record. */
    private static final Duration STRIDE = Duration.ofHours(6);

    private static final long SEED = 20_261_121;
    private static final int QUANTITY_PLACES = 3;

    /** A buyer and its fleet. {@code from} is the day of the month it subscribes on. */
    private record Buyer(String name, String cloudAccount, int fromDay, List<Fleet> fleets) {}

    private record Fleet(int count, String instanceType, double requestsPerHour) {}

    private static final List<Buyer> BUYERS = List.of(
            new Buyer(
                    "Aster Foods",
                    "210000000001",
                    0,
                    List.of(new Fleet(1, "m5.large", 4_200), new Fleet(1, "m5.xlarge", 9_800))),
            new Buyer("Birch Logistics", "210000000002", 6, List.of(new Fleet(2, "c5.large", 2_600))),
            new Buyer("Cobalt Studio", "210000000003", 17, List.of(new Fleet(1, "t3.medium", 350))));

    /** A VM that reports, and since when. */
    private static final class Reporter {
        private final RawAgent agent;
        private final Fleet fleet;
        private final Random noise;
        private Instant reported;

        Reporter(RawAgent agent, Fleet fleet, long seed, Instant since) {
            this.agent = agent;
            this.fleet = fleet;
            this.noise = new Random(seed);
            this.reported = since;
        }

        /** Sends every whole hour since the last report. */
        void reportUntil(Instant now) {
            List<MeteringRecord> records = new ArrayList<>();
            for (; !reported.plus(1, ChronoUnit.HOURS).isAfter(now); reported = reported.plus(1, ChronoUnit.HOURS)) {
                double requests = fleet.requestsPerHour() * shape(reported) * (0.85 + 0.3 * noise.nextDouble());
                records.add(record(Seed.REQUESTS, Math.round(requests)));
                records.add(record(Seed.GIGABYTES, requests * 0.0004 * (0.9 + 0.2 * noise.nextDouble())));
                records.add(record(Seed.UPTIME, 1));
            }
            if (!records.isEmpty()) {
                agent.send(records);
            }
        }

        private MeteringRecord record(String dimension, double quantity) {
            BigDecimal rounded = BigDecimal.valueOf(quantity)
                    .setScale(QUANTITY_PLACES, RoundingMode.HALF_UP)
                    .stripTrailingZeros();
            return MeteringRecord.increment(dimension, reported, Quantity.parse(rounded.toPlainString()));
        }

        /** How busy an hour is: nights and weekends are quiet. */
        private static double shape(Instant hour) {
            ZonedDateTime at = hour.atZone(ZoneOffset.UTC);
            double day = 0.35 + 0.65 * Math.max(0, Math.sin(Math.PI * (at.getHour() - 5) / 15.0));
            boolean weekend = at.getDayOfWeek() == DayOfWeek.SATURDAY || at.getDayOfWeek() == DayOfWeek.SUNDAY;
            return weekend ? day * 0.45 : day;
        }
    }

    private final Marketplace market;
    private final Clock clock;
    private final List<Reporter> reporters = new ArrayList<>();

    Month(Marketplace market) {
        this.market = market;
        this.clock = market.clock();
    }

    /** Plays it; takes some tens of seconds. */
    void play(Consumer<String> progress) {
        Instant start = market.now().truncatedTo(ChronoUnit.DAYS).plus(1, ChronoUnit.DAYS);
        market.advanceTo(start.plusSeconds(1));
        market.aMomentLater();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            for (int day = 0; day < DAYS; day++) {
                for (Buyer buyer : BUYERS) {
                    if (buyer.fromDay() == day) {
                        subscribe(buyer);
                    }
                }
                Instant end = start.plus(day + 1L, ChronoUnit.DAYS);
                while (market.now().isBefore(end)) {
                    market.advance(STRIDE);
                    report(threads, market.aMomentLater());
                }
                if (day % 10 == 9) {
                    progress.accept("  day " + (day + 1) + " of " + DAYS);
                }
            }
        } finally {
            threads.shutdown();
        }
    }

    private void report(ExecutorService threads, Instant now) {
        List<Future<?>> sent = new ArrayList<>();
        reporters.forEach(r -> sent.add(threads.submit(() -> r.reportUntil(now))));
        for (Future<?> f : sent) {
            try {
                f.get();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Trouble("stopped before the month was over", e);
            } catch (java.util.concurrent.ExecutionException e) {
                throw new Trouble("a VM of the sample month could not report: " + e.getCause(), e);
            }
        }
    }

    private void subscribe(Buyer buyer) {
        Rest operator = market.rest().with(market.seed().operatorToken());
        String account = Seeder.account(operator, "buyer", buyer.name());
        Seeder.cloudAccount(operator, account, buyer.cloudAccount());
        Seeder.agreement(operator, market.seed().productId(), account);
        for (Fleet fleet : buyer.fleets()) {
            for (int i = 0; i < fleet.count(); i++) {
                VmInfo vm = market.launchBare(VmSpec.of(buyer.cloudAccount())
                        .region(Marketplace.REGION)
                        .instanceType(fleet.instanceType())
                        .productCodes(market.seed().productCode()));
                RawAgent agent =
                        new RawAgent(market.rest(), market.aggregatorUrl().toString(), clock);
                agent.enroll(RawAgent.evidence(vm.metadata()));
                Instant since = market.now().truncatedTo(ChronoUnit.HOURS);
                reporters.add(new Reporter(agent, fleet, SEED + reporters.size(), since));
            }
        }
    }
}
