package io.tallystick.sandbox;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The same usage where the seller looks, in the portal and in the reports, and what the operator's monitoring reads. */
final class SeenStep implements Story.Step {
    /** More than the story lasts. */
    private static final int DAYS_SHOWN = 120;

    private static final int PAGE = 200;
    private static final Duration STRIDE = Duration.ofSeconds(20);

    @Override
    public String title() {
        return "the seller looks at it in the portal and gets daily reports, the operator's monitoring reads figures";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        BigDecimal requests = scene.ledger().sums().entrySet().stream()
                .filter(e -> e.getKey().dimension().equals(Seed.REQUESTS))
                .map(Map.Entry::getValue)
                .reduce(BigDecimal.ZERO, BigDecimal::add);
        BigDecimal shown = shown(market);
        Expect.equal("requests in the portal's CSV, as in the books: " + shown, 0, requests.compareTo(shown));
        scene.tell()
                .did(
                        "signed in to the portal as the seller and downloaded what the dashboard shows",
                        shown.stripTrailingZeros().toPlainString() + " requests, as in the books");

        Rest seller = market.rest().with(scene.seed().sellerToken());
        BigDecimal answered = answered(market, seller);
        Expect.equal("requests by GET /v1/usage, as in the books: " + answered, 0, requests.compareTo(answered));
        scene.tell().did("GET /v1/usage by the month, as the seller", "the same");
        LocalDate last = day(market.now()).minusDays(2);
        List<Doc> reports = Expect.eventually(
                Scene.PATIENCE,
                "a report of every day to " + last,
                () -> {
                    // They are made by the sandbox's clock, at most once a minute.
                    market.advance(STRIDE);
                    market.aMomentLater();
                    return reports(seller);
                },
                found -> found.stream().anyMatch(r -> r.text("day").equals(last.toString())));
        BigDecimal reported = reports.stream()
                .map(r -> requests(
                        scene,
                        seller.get("/v1/reports/" + r.text("id"), "text/csv")
                                .expect(200)
                                .body()))
                .reduce(BigDecimal.ZERO, BigDecimal::add);
        Expect.equal("requests in the reports, as in the books: " + reported, 0, requests.compareTo(reported));
        scene.tell()
                .did(
                        "GET /v1/reports as the seller: " + reports.size() + " days, among them "
                                + reports.get(0).text("fileName"),
                        "the same requests, each in one day's report");

        Map<String, Double> figures =
                figures(market.rest().get("/metrics", "text/plain").expect(200).text());
        for (String mustBeZero : List.of(
                "tallystick_incidents_active{kind=\"fork\"}",
                "tallystick_jobs_poisoned",
                "tallystick_outbox_refused")) {
            Expect.equal(mustBeZero, 0.0, figures.get(mustBeZero));
        }
        scene.tell()
                .did(
                        "GET /metrics as the operator's Prometheus does",
                        figures.size() + " figures; no fork, no job given up, no mail refused");
    }

    private static LocalDate day(Instant time) {
        return time.atZone(ZoneOffset.UTC).toLocalDate();
    }

    /** All requests of the sample product, as the seller's dashboard hands them out. */
    private static BigDecimal shown(Marketplace market) {
        Visit visit = Visit.signedIn(market.aggregatorUrl(), market.seed().sellerLogIn());
        LocalDate to = day(market.now());
        String csv = visit.page("/portal/usage.csv?by=day&from=" + to.minusDays(DAYS_SHOWN - 1) + "&to=" + to
                + "&product=" + market.seed().productId() + "&dimension=" + Seed.REQUESTS);
        return Csv.parse(csv).stream()
                .map(row -> new BigDecimal(row.get("quantity")))
                .reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    private static BigDecimal answered(Marketplace market, Rest seller) {
        LocalDate to = day(market.now()).plusDays(1);
        String path = "/v1/usage?window=month&from=%sT00:00:00Z&to=%sT00:00:00Z&product=%s&dimension=%s"
                .formatted(to.minusDays(DAYS_SHOWN), to, market.seed().productId(), Seed.REQUESTS);
        return seller.get(path).expect(200).json().objects("items").stream()
                .map(sum -> new BigDecimal(sum.text("quantity")))
                .reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    private static List<Doc> reports(Rest seller) {
        return seller.get("/v1/reports?limit=" + PAGE).expect(200).json().objects("items");
    }

    private static BigDecimal requests(Scene scene, byte[] csv) {
        return Csv.parse(new String(csv, StandardCharsets.UTF_8)).stream()
                .filter(row -> scene.seed().productCode().equals(row.get("Product Code")))
                .filter(row -> Seed.REQUESTS.equals(row.get("Offering Description")))
                .map(row -> new BigDecimal(row.get("Usage Units")))
                .reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    private static Map<String, Double> figures(String text) {
        Map<String, Double> figures = new TreeMap<>();
        text.lines().filter(l -> !l.startsWith("#")).forEach(l -> {
            int space = l.lastIndexOf(' ');
            figures.put(l.substring(0, space), Double.valueOf(l.substring(space + 1)));
        });
        return figures;
    }
}
