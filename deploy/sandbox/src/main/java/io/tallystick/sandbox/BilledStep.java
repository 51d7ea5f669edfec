package io.tallystick.sandbox;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** The hour closes, the billing job pulls; something late comes as an adjustment; what was pulled stays as it was. */
final class BilledStep implements Story.Step {
    private static final String LATE = "11";

    /** In hours. Trusted time is put right by milliseconds whenever the aggregator is heard of. */
    private static final BigDecimal HOUR_BUT_A_SECOND = new BigDecimal("0.9997");

    @Override
    public String title() {
        return "the hour closes and the billing job gets what was metered, to the unit";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        Agent agent = market.firstAgent();
        Instant hour = market.now().truncatedTo(ChronoUnit.HOURS);
        String from = hour.toString();

        Billing.Pull first = scene.closeAndCompare(agent);
        scene.tell()
                .did(
                        "moved every clock past the hour and the close delay; pulled from the beginning",
                        first.rows().size() + " lines, "
                                + scene.ledger().total().toPlainString() + " units, equal to the story's own books");
        checkRows(scene, first);
        BigDecimal started = Scene.uptime(first, scene.seed().instance(), from);
        Expect.that(
                started.signum() > 0 && started.compareTo(BigDecimal.ONE) < 0,
                "part of an hour of uptime for the first VM in the hour it was launched in",
                started);

        String to = scene.billing().closedThrough();
        Billing.Pull json = scene.billing().booked(from, to, Billing.NDJSON);
        Billing.Pull csv = scene.billing().booked(from, to, Billing.CSV);
        Expect.equal("lines pulled by booking time, as those pulled by place", first.rows(), json.rows());
        Expect.equal("lines of the CSV, as of the NDJSON", json.rows(), csv.rows());
        scene.tell()
                .did(
                        "pulled by booking time up to " + to + ", as NDJSON and as CSV",
                        "the same " + json.rows().size() + " lines");

        scene.meter(agent, scene.seed().instance(), Seed.REQUESTS, LATE, hour, "late-1");
        Billing.Pull second = scene.closeAndCompare(agent);
        BigDecimal whole = Scene.uptime(
                second, scene.seed().instance(), hour.plus(1, ChronoUnit.HOURS).toString());
        Expect.that(
                whole.compareTo(BigDecimal.ONE) <= 0 && whole.compareTo(HOUR_BUT_A_SECOND) >= 0,
                "an hour of uptime, to the second, for the first VM in the hour that passed whole",
                whole);
        List<Billing.Row> late = scene.billing().after(first.next()).rows().stream()
                .filter(r -> r.hour().equals(hour.toString()) && r.dimension().equals(Seed.REQUESTS))
                .toList();
        Expect.equal("lines for the closed hour since the first pull", 1, late.size());
        Expect.equal("kind of the late line", "adjustment", late.get(0).kind());
        Expect.equal(
                "quantity of the late line", new BigDecimal(LATE), late.get(0).quantity());
        scene.tell()
                .did(
                        "metered " + LATE + " requests for the closed hour, closed again",
                        "an adjustment of " + late.get(0).quantity() + " in run "
                                + late.get(0).run() + "; the bill equals the books");

        Doc time = agent.status().object("time");
        Expect.that(
                Math.abs(time.number("wallOffsetSeconds")) <= 1,
                "an agent whose time, as the aggregator signed it, is the marketplace's after these moves",
                time);
        scene.tell()
                .did(
                        "looked at the time the agent goes by, signed by the aggregator and counted on by the VM",
                        time.text("trusted") + ", the marketplace's own to the second");

        Expect.equal(
                "hash of the first pull, repeated",
                json.sha256(),
                scene.billing().booked(from, to, Billing.NDJSON).sha256());
        Expect.equal(
                "hash of the first CSV, repeated",
                csv.sha256(),
                scene.billing().booked(from, to, Billing.CSV).sha256());
        Expect.that(
                new String(second.bytes(), java.nio.charset.StandardCharsets.UTF_8)
                        .startsWith(new String(first.bytes(), java.nio.charset.StandardCharsets.UTF_8)),
                "the first pull as the beginning of the second",
                "other bytes");
        scene.tell().did("repeated the first pull", "byte for byte the same (SHA-256 " + json.sha256() + ")");
    }

    private static void checkRows(Scene scene, Billing.Pull pull) {
        Seed seed = scene.seed();
        for (Billing.Row row : pull.rows()) {
            Expect.equal("product id of a line", seed.productId(), row.productId());
            Expect.equal("product code of a line", seed.productCode(), row.productCode());
            if (row.instance().equals(seed.instance())) {
                Expect.equal("account of the first VM's line", seed.buyerAccount(), row.account());
                Expect.equal("agreement of the first VM's line", seed.agreement(), row.agreement());
            } else {
                Expect.that(
                        !row.account().equals(seed.buyerAccount()),
                        "another account for the other VM's line",
                        row.account());
            }
        }
    }
}
