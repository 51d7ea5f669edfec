package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.AccessMatrix.Who;
import io.tallystick.aggregator.portal.Visitor;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every page of the real router against every kind of visitor. A page without a row fails. */
class PageMatrixTest {
    /** The same description of a server, started again for this class: the things of the matrix are made through it. */
    @RegisterExtension
    static final RunningAggregator RUNNING = AccessMatrixTest.RUNNING;

    /** Pages for everybody. Each is one on purpose. */
    private static final Set<String> OPEN =
            Set.of("getRoot", "getSignIn", "signIn", "signOut", "setLanguage", "getPortalAsset");

    private static final Map<Who, Visitor> VISITORS = new EnumMap<>(Who.class);
    private static AccessMatrixTest.@Nullable World world;

    @BeforeAll
    static void meetEverybody() {
        AccessMatrixTest.World made = new AccessMatrixTest.World();
        world = made;
        VISITORS.put(Who.OPERATOR, RUNNING.visitor(Role.OPERATOR, null));
        VISITORS.put(Who.SELLER, RUNNING.visitor(Role.SELLER, made.seller()));
        VISITORS.put(Who.OTHER_SELLER, RUNNING.visitor(Role.SELLER, RUNNING.account("seller")));
        VISITORS.put(Who.BUYER, RUNNING.visitor(Role.BUYER, made.buyer()));
        VISITORS.put(Who.OTHER_BUYER, RUNNING.visitor(Role.BUYER, RUNNING.account("buyer")));
    }

    static List<Route> routes() {
        return RUNNING.running().wiring().routes();
    }

    static List<String> pages() {
        return PageMatrix.ROWS.stream().map(PageMatrix.Row::operationId).toList();
    }

    @Test
    void everyPageHasARowAndEveryRowAPage() {
        TreeSet<String> declared = new TreeSet<>();
        routes().stream().filter(r -> r.access() == Route.Access.PAGE).forEach(r -> declared.add(r.operationId()));
        assertEquals(declared, new TreeSet<>(pages()));
    }

    @Test
    void onlyTheseAreOpenToEverybody() {
        TreeSet<String> declared = new TreeSet<>();
        routes().stream().filter(r -> r.access() == Route.Access.OPEN_PAGE).forEach(r -> declared.add(r.operationId()));
        assertEquals(new TreeSet<>(OPEN), declared);
    }

    @ParameterizedTest
    @MethodSource("pages")
    void eachVisitorGetsWhatTheTableSays(String operationId) {
        PageMatrix.Row row = row(operationId);
        Map<Who, Integer> got = new EnumMap<>(Who.class);
        row.expected()
                .keySet()
                .forEach(who ->
                        got.put(who, call(route(operationId), row, visitor(who)).status()));
        assertEquals(row.expected(), got);
    }

    @ParameterizedTest
    @MethodSource("pages")
    void whoeverIsNotSignedInIsSentToSignIn(String operationId) {
        Visitor stranger = new Visitor(RUNNING.http());
        Http.Answer answer = call(route(operationId), row(operationId), stranger);
        assertEquals(303, answer.status());
        assertTrue(answer.header("Location").startsWith("/portal/sign-in"), answer.header("Location"));
        assertEquals("", answer.text());
    }

    /** An answer that differs between "not yours" and "not there" tells a stranger what exists. */
    @ParameterizedTest
    @MethodSource("pages")
    void foreignAndMissingLookTheSame(String operationId) {
        Route route = route(operationId);
        PageMatrix.Row row = row(operationId);
        if (!route.path().contains("{id}")) {
            return;
        }
        row.expected().forEach((who, status) -> {
            if (status == 404) {
                Http.Answer foreign = call(route, row, visitor(who));
                PageMatrix.Call call = row.call().apply(world());
                String path = route.path().replace("{id}", "no-such-id");
                Http.Answer missing = send(route, new PageMatrix.Call(path, call.fields()), visitor(who));
                assertEquals(comparable(missing), comparable(foreign), who.name());
            }
        });
    }

    /** The way back names the page itself, and each answer its own number. */
    private static String comparable(Http.Answer answer) {
        return answer.status() + " "
                + answer.text().replaceAll("req-[a-z0-9]+", "").replaceAll("name=\"back\" value=\"[^\"]*\"", "");
    }

    private static Http.Answer call(Route route, PageMatrix.Row row, Visitor visitor) {
        return send(route, row.call().apply(world()), visitor);
    }

    private static Http.Answer send(Route route, PageMatrix.Call call, Visitor visitor) {
        if (route.method().name().equals("GET")) {
            return visitor.get(call.path());
        }
        return route.body() == Route.Body.UPLOAD
                ? visitor.upload(call.path(), call.fields(), Map.of())
                : visitor.post(call.path(), new HashMap<>(call.fields()));
    }

    private static Visitor visitor(Who who) {
        Visitor visitor = VISITORS.get(who);
        if (visitor == null) {
            throw new IllegalStateException(who + " is no visitor");
        }
        return visitor;
    }

    private static AccessMatrix.World world() {
        if (world == null) {
            throw new IllegalStateException("made before all tests");
        }
        return world;
    }

    private static PageMatrix.Row row(String operationId) {
        return PageMatrix.ROWS.stream()
                .filter(r -> r.operationId().equals(operationId))
                .findFirst()
                .orElseThrow();
    }

    private static Route route(String operationId) {
        return routes().stream()
                .filter(r -> r.operationId().equals(operationId))
                .findFirst()
                .orElseThrow();
    }
}
