package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.portal.Visitor;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.testkit.HttpFuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Generated requests at every route there is: no fault of ours, no hang, nothing leaked. New routes are in by themselves. */
class FuzzTest {
    private static final int SHARE = 200;
    private static final Duration WAIT_MAX = Duration.ofSeconds(30);
    private static final Pattern PROPERTY = Pattern.compile("(?m)^ +([A-Za-z][A-Za-z0-9_]{1,30}):");
    /** Each costs a password's hash on purpose, and sign-in is throttled besides. */
    private static final Set<String> COSTLY = Set.of("signIn", "setUserPassword", "createUser");

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(
            "limits.requests-per-address=off",
            "limits.requests-per-caller=off",
            "limits.requests-per-enrollment=off",
            "limits.enrollments-per-address=off",
            "limits.sign-ins-per-address=off");

    @Test
    void noGeneratedRequestMakesAFaultAHangOrALeak() throws Exception {
        String seller = RUNNING.account("seller");
        String buyer = RUNNING.account("buyer");
        String product = RUNNING.product(seller, "requests");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        String agreement = RUNNING.agreement(product, buyer);

        List<String> tokens = new ArrayList<>(List.of("", "tks_garbage", "x".repeat(300)));
        List<Visitor> visitors = new ArrayList<>();
        for (Role role : Role.values()) {
            String account = role == Role.SELLER ? seller : role == Role.BUYER ? buyer : null;
            tokens.add(RUNNING.token(role, account));
            tokens.add(RUNNING.token(role, account));
            if (role != Role.BILLING) {
                Visitor visitor = RUNNING.visitor(role, account);
                visitor.get("/portal/usage").expect(200);
                visitors.add(visitor);
            }
        }
        List<String> words = new ArrayList<>(documentedNames());
        words.addAll(List.of(seller, buyer, product, agreement, RUNNING.code(product), "requests", "PUBLIC", "aws"));
        int port = RUNNING.running().port();
        int before = RUNNING.running().connections();

        List<HttpFuzz.Target> targets = RUNNING.running().wiring().routes().stream()
                .filter(route -> !COSTLY.contains(route.operationId()))
                .map(route -> target(route, tokens, visitors))
                .toList();
        assertEquals(List.of(), new HttpFuzz(port, SHARE, words).run(targets));
        List<HttpFuzz.Target> costly = RUNNING.running().wiring().routes().stream()
                .filter(route -> COSTLY.contains(route.operationId()))
                .map(route -> target(route, tokens, visitors))
                .toList();
        assertEquals(COSTLY.size(), costly.size());
        assertEquals(List.of(), new HttpFuzz(port, SHARE / 6, words).run(costly));

        long end = System.nanoTime() + WAIT_MAX.toNanos();
        while (RUNNING.running().connections() > before && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        assertTrue(
                RUNNING.running().connections() <= before,
                "connections left: " + RUNNING.running().connections());
        try (Connection db = RUNNING.database().connect();
                ResultSet stuck = db.createStatement()
                        .executeQuery("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                + " AND state LIKE 'idle in transaction%'")) {
            stuck.next();
            assertEquals(0, stuck.getInt(1), "transactions that nobody ends");
        }
        RUNNING.http().get("/v1/accounts", RUNNING.operator()).expect(200);
    }

    private static HttpFuzz.Target target(Route route, List<String> tokens, List<Visitor> visitors) {
        Function<Random, Map<String, String>> headers = random -> {
            Map<String, String> made = new LinkedHashMap<>();
            if (route.access().isPage()) {
                if (!route.operationId().equals("signOut")) {
                    Visitor visitor = visitors.get(random.nextInt(visitors.size()));
                    made.put(
                            "Cookie",
                            visitor.cookies().entrySet().stream()
                                    .map(e -> e.getKey() + "=" + e.getValue())
                                    .collect(Collectors.joining("; ")));
                    made.put(HttpFuzz.FORM, "csrf=" + visitor.csrf());
                }
            } else {
                String token = tokens.get(random.nextInt(tokens.size()));
                if (!token.isEmpty()) {
                    made.put("Authorization", "Bearer " + token);
                }
            }
            return made;
        };
        return new HttpFuzz.Target(
                route.operationId(),
                route.method().name(),
                route.path(),
                List.copyOf(new TreeSet<>(route.queryParameters())),
                route.body().mediaType(),
                headers);
    }

    /** What the documents of this API call things. */
    private static Set<String> documentedNames() throws IOException {
        Path file = Path.of(System.getProperty("tallystick.root")).resolve("docs/openapi.yaml");
        Set<String> names = new TreeSet<>();
        Matcher m = PROPERTY.matcher(Files.readString(file));
        while (m.find()) {
            names.add(m.group(1));
        }
        return names;
    }
}
