package io.tallystick.sandbox;

import io.tallystick.common.json.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What a database of advisories, asked as <a href="https://google.github.io/osv.dev/api/">osv.dev</a> is, says of a bill of materials. */
final class Advisories {
    /** Queries in one request; osv.dev takes 1,000. */
    private static final int QUERIES_MAX = 500;

    private static final Duration ANSWER_MAX = Duration.ofSeconds(60);

    private final URI database;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(ANSWER_MAX).build();

    /** @param database its base, {@code https://api.osv.dev} */
    Advisories(URI database) {
        this.database = database;
    }

    /** {@code package advisory} for each advisory about a component of this CycloneDX file. */
    SortedSet<String> about(Path sbom) throws IOException, InterruptedException {
        List<String> packages = new ArrayList<>();
        for (Map<?, ?> component :
                maps(Json.parseObject(Files.readAllBytes(sbom)).get("components"))) {
            // Without qualifiers such as ?type=jar, which are not part of a name there.
            packages.add(String.valueOf(component.get("purl")).split("\\?", 2)[0]);
        }
        SortedSet<String> found = new TreeSet<>();
        for (int from = 0; from < packages.size(); from += QUERIES_MAX) {
            ask(packages.subList(from, Math.min(packages.size(), from + QUERIES_MAX)), found);
        }
        return found;
    }

    private void ask(List<String> packages, SortedSet<String> found) throws IOException, InterruptedException {
        List<Object> queries = new ArrayList<>();
        packages.forEach(p -> queries.add(Json.object("package", Json.object("purl", p))));
        HttpResponse<byte[]> answer = http.send(
                HttpRequest.newBuilder(database.resolve("/v1/querybatch"))
                        .timeout(ANSWER_MAX)
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofByteArray(Json.writeBytes(Json.object("queries", queries))))
                        .build(),
                HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) {
            throw new IOException(database + " answered " + answer.statusCode());
        }
        List<Map<?, ?>> results = maps(Json.parseObject(answer.body()).get("results"));
        if (results.size() != packages.size()) {
            throw new IOException(results.size() + " answers to " + packages.size() + " questions");
        }
        for (int i = 0; i < results.size(); i++) {
            if (results.get(i).get("next_page_token") != null) {
                // Beyond a thousand in one package or three thousand in all; as good as a failure, and no reason to
                // page.
                throw new IOException(packages.get(i) + " has more advisories than fit into one answer");
            }
            for (Map<?, ?> advisory : maps(results.get(i).get("vulns"))) {
                found.add(packages.get(i) + " " + advisory.get("id"));
            }
        }
    }

    private static List<Map<?, ?>> maps(@Nullable Object list) {
        return list instanceof List<?> l
                ? l.stream().<Map<?, ?>>map(e -> (Map<?, ?>) e).toList()
                : List.of();
    }
}
