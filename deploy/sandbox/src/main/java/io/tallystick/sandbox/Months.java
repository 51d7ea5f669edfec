package io.tallystick.sandbox;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;

/** Months passing, and the sample buyer's statements of them. */
final class Months {
    private Months() {}

    /** The first day of the month, UTC. */
    static LocalDate of(Instant time) {
        return time.atZone(ZoneOffset.UTC).toLocalDate().withDayOfMonth(1);
    }

    /** Lets the month end; waits until its statement of the sample buyer can be read. */
    static void close(Scene scene, LocalDate month) {
        close(scene, month, scene.seed().buyerToken(), scene.market().firstAgent());
    }

    /** Lets the month end, and these agents send what they have; waits until this buyer can read its statement. */
    static void close(Scene scene, LocalDate month, String buyerToken, Agent... agents) {
        Marketplace market = scene.market();
        Instant end = month.plusMonths(1).atStartOfDay(ZoneOffset.UTC).toInstant();
        market.advanceTo(end.plusSeconds(1));
        scene.flush(agents);
        market.advanceTo(end.plus(Seeder.CLOSE_DELAY).plusSeconds(90));
        String posted = Expect.eventually(
                Scene.PATIENCE,
                "the month's last hour posted",
                () -> scene.billing().closedThrough(),
                through -> !Instant.parse(through).isBefore(end.plus(Seeder.CLOSE_DELAY)));
        market.advanceTo(end.plus(Marketplace.STATEMENT_DELAY).plusSeconds(90));
        Expect.eventually(
                Scene.PATIENCE,
                "the statement of " + month + " closed, with what was posted by " + posted,
                () -> statements(scene, month, buyerToken),
                found -> !found.isEmpty());
    }

    private static List<Doc> statements(Scene scene, LocalDate month, String buyerToken) {
        return scene
                .market()
                .rest()
                .with(buyerToken)
                .get("/v1/billing/statements")
                .expect(200)
                .json()
                .objects("items")
                .stream()
                .filter(s -> s.text("month").equals(month.toString().substring(0, 7)))
                .toList();
    }

    static Doc statement(Scene scene, LocalDate month) {
        return statement(scene, month, scene.seed().buyerToken());
    }

    static Doc statement(Scene scene, LocalDate month, String buyerToken) {
        List<Doc> found = statements(scene, month, buyerToken);
        Expect.equal("statements of the buyer for " + month, 1, found.size());
        return scene.market()
                .rest()
                .with(buyerToken)
                .get("/v1/billing/statements/" + found.get(0).text("id"))
                .expect(200)
                .json();
    }
}
