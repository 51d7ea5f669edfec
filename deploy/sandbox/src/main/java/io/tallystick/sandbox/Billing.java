package io.tallystick.sandbox;

import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** A billing job as a customer would write it: follows the pages, checks each one's count and hash, adds up. */
final class Billing {
    static final String NDJSON = "application/x-ndjson";
    static final String CSV = "text/csv";
    /** The place before every line. */
    static final String BEGINNING = "0.0";

    private static final int PAGE_ROWS = 50;
    private static final int CHARGES_PAGE_ROWS = 1000;
    private static final int PAGES_MAX = 100_000;

    private final Rest rest;

    Billing(Rest rest) {
        this.rest = rest;
    }

    /** One line of the bill. */
    record Row(
            long run,
            Instant bookedAt,
            String kind,
            String instance,
            String account,
            String productId,
            String productCode,
            String agreement,
            String dimension,
            String hour,
            Map<String, String> tags,
            BigDecimal quantity) {
        Ledger.Key key() {
            return Ledger.Key.of(instance, dimension, hour, tags);
        }
    }

    /** Everything one pull gave: its bytes as they came, its rows, and where the next pull goes on. */
    record Pull(byte[] bytes, List<Row> rows, String next) {
        String sha256() {
            return Billing.sha256(bytes);
        }

        SortedMap<Ledger.Key, BigDecimal> sums() {
            SortedMap<Ledger.Key, BigDecimal> sums = new TreeMap<>();
            rows.forEach(r -> sums.merge(r.key(), r.quantity(), BigDecimal::add));
            return sums;
        }
    }

    /** All lines after a place, as JSON. */
    Pull after(String place) {
        return pull("/v1/billing/usage?limit=" + PAGE_ROWS, place, NDJSON);
    }

    /** All lines booked in a range of time, [from, to). */
    Pull booked(String from, String to, String accept) {
        return pull("/v1/billing/usage?limit=" + PAGE_ROWS + "&from=" + from + "&to=" + to, BEGINNING, accept);
    }

    /** Up to which booking time everything is final. */
    String closedThrough() {
        return rest.get("/v1/billing/runs").expect(200).json().text("closedThrough");
    }

    /** All charges, by the rules of a pull of usage: a charge stands under the run and line of its usage line. */
    List<Doc> charges() {
        List<Doc> charges = new ArrayList<>();
        String place = BEGINNING;
        for (int page = 0; page < PAGES_MAX; page++) {
            Rest.Reply reply = rest.get("/v1/billing/charges?limit=" + CHARGES_PAGE_ROWS + "&after=" + place, NDJSON)
                    .expect(200);
            List<Doc> found = reply.text().lines().map(Doc::parse).toList();
            check(reply, "Tallystick-Page-Count", Integer.toString(found.size()));
            checkHash(reply);
            charges.addAll(found);
            place = reply.header("Tallystick-Next-After").orElse(place);
            if (!reply.header("Tallystick-Page-More").orElse("").equals("true")) {
                return charges;
            }
        }
        throw new StepFailure("a pull that ends", "more than " + PAGES_MAX + " pages");
    }

    private Pull pull(String query, String start, String accept) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        List<Row> rows = new ArrayList<>();
        String place = start;
        for (int page = 0; page < PAGES_MAX; page++) {
            Rest.Reply reply = rest.get(query + "&after=" + place, accept).expect(200);
            List<Row> found = accept.equals(CSV) ? csv(reply.text()) : ndjson(reply.text());
            check(reply, "Tallystick-Page-Count", Integer.toString(found.size()));
            checkHash(reply);
            all.writeBytes(reply.body());
            rows.addAll(found);
            Optional<String> next = reply.header("Tallystick-Next-After");
            if (next.isPresent()) {
                place = next.get();
            }
            if (next.isEmpty() || found.size() < PAGE_ROWS) {
                return new Pull(all.toByteArray(), List.copyOf(rows), place);
            }
        }
        throw new StepFailure("a pull that ends", "more than " + PAGES_MAX + " pages");
    }

    private static void check(Rest.Reply reply, String header, String expected) {
        String got = reply.header(header).orElse("no such header");
        if (!got.equals(expected)) {
            throw new StepFailure(reply.request() + " with " + header + ": " + expected, got);
        }
    }

    private static void checkHash(Rest.Reply reply) {
        byte[] hash = hash(reply.body());
        String got = reply.header("Tallystick-Page-Sha256").orElse("no such header");
        String hex = HexFormat.of().formatHex(hash);
        String base64 = Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
        if (!got.equals(hex) && !got.equals(base64)) {
            throw new StepFailure(reply.request() + " with Tallystick-Page-Sha256: " + hex, got);
        }
    }

    private static List<Row> ndjson(String text) {
        return text.lines().map(Doc::parse).map(Billing::row).toList();
    }

    private static Row row(Doc d) {
        return new Row(
                d.number("run"),
                Instant.parse(d.text("bookedAt")),
                d.text("kind"),
                d.text("instance"),
                d.text("account"),
                d.text("productId"),
                d.text("productCode"),
                d.text("agreement"),
                d.text("dimension"),
                d.text("hour"),
                d.strings("tags"),
                new BigDecimal(d.text("quantity")));
    }

    /** RFC 4180 with a header line. */
    private static List<Row> csv(String text) {
        List<Row> rows = new ArrayList<>();
        for (Map<String, String> line : Csv.parse(text)) {
            Doc d = Doc.of(new LinkedHashMap<>(line));
            rows.add(new Row(
                    Long.parseLong(d.text("run")),
                    Instant.parse(d.text("bookedAt")),
                    d.text("kind"),
                    d.text("instance"),
                    d.text("account"),
                    d.text("productId"),
                    d.text("productCode"),
                    d.text("agreement"),
                    d.text("dimension"),
                    d.text("hour"),
                    d.text("tags").isEmpty()
                            ? Map.of()
                            : Doc.parse("{\"tags\":" + d.text("tags") + "}").strings("tags"),
                    new BigDecimal(d.text("quantity"))));
        }
        return rows;
    }

    static String sha256(byte[] bytes) {
        return HexFormat.of().formatHex(hash(bytes));
    }

    private static byte[] hash(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
