package io.tallystick.chaos.checker;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Reads the whole bill of a product over HTTP, page by page, and believes no page whose count or hash is wrong. */
public final class Pull {
    private static final int PAGE_LINES = 5_000;
    private static final Duration PAGE_PATIENCE = Duration.ofSeconds(60);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final URI aggregator;
    private final String token;

    public Pull(URI aggregator, String token) {
        this.aggregator = aggregator;
        this.token = token;
    }

    /** Every line of this product from the first run on. */
    public List<Billed> all(String product) {
        List<Billed> lines = new ArrayList<>();
        String after = "0.0";
        while (true) {
            HttpResponse<byte[]> page = get("/v1/billing/usage?limit=" + PAGE_LINES + "&after=" + after + "&product="
                    + URLEncoder.encode(product, StandardCharsets.UTF_8));
            List<Billed> read = lines(page.body());
            if (read.size() != Integer.parseInt(header(page, "Tallystick-Page-Count"))) {
                throw new IllegalStateException("a page of " + read.size() + " lines says that it has "
                        + header(page, "Tallystick-Page-Count"));
            }
            if (!sha256(page.body()).equals(header(page, "Tallystick-Page-Sha256"))) {
                throw new IllegalStateException("a page does not have the hash it names");
            }
            lines.addAll(read);
            after = header(page, "Tallystick-Next-After");
            if (!header(page, "Tallystick-Page-More").equals("true")) {
                return lines;
            }
        }
    }

    /** Reads a page of CSV; columns are found by their names. */
    static List<Billed> lines(byte[] csv) {
        List<List<String>> rows = Csv.rows(new String(csv, StandardCharsets.UTF_8));
        if (rows.isEmpty()) {
            throw new IllegalArgumentException("a page has a line of column names at least");
        }
        List<String> names = rows.get(0);
        int run = column(names, "run");
        int line = column(names, "line");
        int enrollment = column(names, "enrollment");
        int dimension = column(names, "dimension");
        int hour = column(names, "hour");
        int quantity = column(names, "quantity");
        List<Billed> lines = new ArrayList<>();
        for (List<String> row : rows.subList(1, rows.size())) {
            if (row.size() != names.size()) {
                throw new IllegalArgumentException(
                        "a line of " + row.size() + " cells under " + names.size() + " names");
            }
            lines.add(new Billed(
                    row.get(run) + "." + row.get(line),
                    row.get(enrollment),
                    row.get(dimension),
                    row.get(hour),
                    new BigDecimal(row.get(quantity))));
        }
        return lines;
    }

    private static int column(List<String> names, String name) {
        int index = names.indexOf(name);
        if (index < 0) {
            throw new IllegalArgumentException("the bill has no column " + name + " but " + names);
        }
        return index;
    }

    private HttpResponse<byte[]> get(String path) {
        HttpRequest request = HttpRequest.newBuilder(aggregator.resolve(path))
                .header("Authorization", "Bearer " + token)
                .header("Accept", "text/csv")
                .timeout(PAGE_PATIENCE)
                .build();
        try {
            HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            if (response.statusCode() != 200) {
                throw new IllegalStateException("GET " + path + " answers " + response.statusCode() + ": "
                        + new String(response.body(), StandardCharsets.UTF_8));
            }
            return response;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static String header(HttpResponse<byte[]> page, String name) {
        return page.headers()
                .firstValue(name)
                .orElseThrow(() -> new IllegalStateException("a page without the header " + name));
    }

    private static String sha256(byte[] bytes) {
        try {
            return Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
