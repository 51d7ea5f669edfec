package io.tallystick.aggregator.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.Rule;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CatalogTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private static Http.Answer send(String method, String path, String json) {
        return RUNNING.http().send(method, path, RUNNING.operator(), json.replace('\'', '"'));
    }

    private static Http.Answer create(String members) {
        return send(
                "POST", "/v1/products", "{'title':'T','seller':'" + RUNNING.account("seller") + "'" + members + "}");
    }

    /** A product that has gone through these steps. */
    private static String productAt(Visibility visibility) {
        String product = RUNNING.product(RUNNING.account("seller"));
        switch (visibility) {
            case STAGING -> {}
            case LIMITED -> RUNNING.visibility(product, "LIMITED");
            case PUBLIC -> RUNNING.visibility(product, "LIMITED", "PUBLIC");
            case RESTRICTED -> RUNNING.visibility(product, "LIMITED", "RESTRICTED");
        }
        return product;
    }

    @ParameterizedTest
    @CsvSource({
        "STAGING, LIMITED, 200",
        "STAGING, PUBLIC, 409",
        "STAGING, RESTRICTED, 409",
        "LIMITED, STAGING, 409",
        "LIMITED, PUBLIC, 200",
        "LIMITED, RESTRICTED, 200",
        "PUBLIC, STAGING, 409",
        "PUBLIC, LIMITED, 409",
        "PUBLIC, RESTRICTED, 200",
        "RESTRICTED, STAGING, 409",
        "RESTRICTED, LIMITED, 409",
        "RESTRICTED, PUBLIC, 409",
    })
    @Rule("R5")
    void visibilityOnlyMovesAlongItsTable(Visibility from, Visibility to, int status) {
        String product = productAt(from);
        RUNNING.clock().advance(Duration.ofMinutes(1));
        String now = RUNNING.clock().instant().toString();
        Http.Answer answer = send("PUT", "/v1/products/" + product + "/visibility", "{'visibility':'" + to + "'}")
                .expect(status);
        Http.Answer after = RUNNING.http().get("/v1/products/" + product, RUNNING.operator());
        assertEquals(status == 200 ? to.name() : from.name(), after.get("visibility"), answer.text());
        assertEquals(status == 200, after.get("visibilitySetAt").equals(now), after.text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"STAGING", "LIMITED", "PUBLIC", "RESTRICTED"})
    void settingWhatIsSetChangesNothing(Visibility visibility) {
        String product = productAt(visibility);
        String before = RUNNING.http()
                .get("/v1/products/" + product, RUNNING.operator())
                .text();
        RUNNING.clock().advance(Duration.ofMinutes(1));
        send("PUT", "/v1/products/" + product + "/visibility", "{'visibility':'" + visibility + "'}")
                .expect(200);
        assertEquals(
                before,
                RUNNING.http()
                        .get("/v1/products/" + product, RUNNING.operator())
                        .text());
    }

    @Test
    @Rule("R17")
    void aNewProductHasTheDocumentedDefaults() {
        Map<String, Object> json = create(",'dimensions':[{'key':'calls','unit':'Count','quantityMax':'12.50'}]")
                .expect(201)
                .json();
        assertTrue(String.valueOf(json.get("productCode")).matches("[0-9a-z]{25}"));
        assertEquals("STAGING", json.get("visibility"));
        assertEquals("attested", json.get("evidenceLevel"));
        assertEquals("PT744H", json.get("lateLimit"));
        assertEquals("PT1H", json.get("closeDelay"));
        assertEquals("PT15M", json.get("flushInterval"));
        assertEquals(
                "[{\"key\":\"calls\",\"title\":\"calls\",\"unit\":\"Count\",\"quantityMax\":\"12.5\"}]",
                Json.write(json.get("dimensions")));
    }

    @Test
    void aGivenCodeIsKeptAndUniqueForEver() {
        assertEquals(
                "My/code=1:_.@-",
                create(",'productCode':'My/code=1:_.@-'").expect(201).get("productCode"));
        assertEquals(
                "already-exists",
                create(",'productCode':'My/code=1:_.@-'").expect(409).get("code"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                ",'productCode':'a b' | productCode",
                ",'evidenceLevel':'strong' | evidenceLevel",
                ",'lateLimit':'PT59M' | lateLimit",
                ",'lateLimit':'P401D' | lateLimit",
                ",'closeDelay':'P8D' | closeDelay",
                ",'flushInterval':'PT9S' | flushInterval",
                ",'flushInterval':'PT10.5S' | flushInterval",
                ",'dimensions':[{'key':'a b','unit':'U'}] | dimensions[0].key",
                ",'dimensions':[{'key':'a','unit':'U','quantityMax':'0'}] | dimensions[0].quantityMax",
                ",'dimensions':[{'key':'a','unit':'U','quantityMax':'-1'}] | dimensions[0].quantityMax",
                ",'dimensions':[{'key':'a'}] | dimensions[0].unit",
                ",'dimensions':[{'key':'a','unit':'U'},{'key':'a','unit':'U'}] | dimensions",
                ",'visibility':'PUBLIC' | visibility",
            })
    void whatBreaksARuleIsNamed(String members, String path) {
        Http.Answer answer = create(members).expect(400);
        assertEquals(
                List.of(path),
                answer.list("errors").stream().map(e -> e.get("path")).toList(),
                answer.text());
    }

    @Test
    void aDimensionIsAddedOnceInOrderAndStays() {
        String product = RUNNING.product(RUNNING.account("seller"), "one", "two");
        String path = "/v1/products/" + product + "/dimensions";
        Http.Answer added = send("POST", path, "{'key':'Three.3','unit':'U','title':'The third'}")
                .expect(201);
        assertEquals(
                List.of("one", "two", "Three.3"),
                added.list("dimensions").stream().map(d -> d.get("key")).toList());
        assertEquals(
                "already-exists",
                send("POST", path, "{'key':'one','unit':'Other'}").expect(409).get("code"));
    }

    @Test
    void aProductHasABoundedNumberOfDimensions() {
        String product = RUNNING.product(RUNNING.account("seller"));
        RUNNING.database()
                .execute("INSERT INTO dimension (product_id, key, title, unit, created_at) SELECT '" + product
                        + "', 'k' || n, 't', 'u', now() FROM generate_series(1, " + (Product.DIMENSIONS_MAX - 1)
                        + ") AS n");
        String path = "/v1/products/" + product + "/dimensions";
        send("POST", path, "{'key':'last','unit':'U'}").expect(201);
        send("POST", path, "{'key':'one-too-many','unit':'U'}").expect(409);
    }

    @Test
    void aSellerMakesItsOwnProductsOnly() {
        String seller = RUNNING.account("seller");
        String token = RUNNING.token(Role.SELLER, seller);
        assertEquals(
                seller,
                RUNNING.http()
                        .post("/v1/products", token, "{\"title\":\"Mine\"}")
                        .expect(201)
                        .get("seller"));
        RUNNING.http()
                .post("/v1/products", token, "{\"title\":\"X\",\"seller\":\"" + RUNNING.account("seller") + "\"}")
                .expect(404);
        assertEquals(
                400,
                RUNNING.http()
                        .post("/v1/products", RUNNING.operator(), "{\"title\":\"Nobody's\"}")
                        .status());
        send("POST", "/v1/products", "{'title':'X','seller':'" + RUNNING.account("buyer") + "'}")
                .expect(400);
        assertEquals(
                List.of("Mine"),
                RUNNING.http().get("/v1/products", token).expect(200).list("items").stream()
                        .map(p -> p.get("title"))
                        .toList());
    }

    @Test
    @Rule("R4")
    void aBuyerSeesWhatItCouldSubscribeTo() {
        String buyer = RUNNING.account("buyer");
        String token = RUNNING.token(Role.BUYER, buyer);
        String listed = productAt(Visibility.LIMITED);
        send("PUT", "/v1/products/" + listed + "/allow-list", "{'accounts':['" + buyer + "']}")
                .expect(200);
        Map<String, Integer> expected = Map.of(
                productAt(Visibility.STAGING),
                404,
                productAt(Visibility.LIMITED),
                404,
                listed,
                200,
                productAt(Visibility.PUBLIC),
                200,
                productAt(Visibility.RESTRICTED),
                404);
        List<Object> seen = RUNNING.http().get("/v1/products?limit=1000", token).list("items").stream()
                .map(p -> p.get("id"))
                .toList();
        expected.forEach((product, status) -> {
            Http.Answer answer =
                    RUNNING.http().get("/v1/products/" + product, token).expect(status);
            assertEquals(status == 200, seen.contains(product), answer.text());
            assertEquals(null, answer.json().get("allowList"));
        });
    }

    @Test
    void theAllowListIsReplacedWholeAndNamesOnlyAccountsThatExist() {
        String product = productAt(Visibility.LIMITED);
        String path = "/v1/products/" + product + "/allow-list";
        String one = RUNNING.account("buyer");
        String two = RUNNING.account("buyer");
        send("PUT", path, "{'accounts':['" + one + "','" + two + "']}").expect(200);
        send("PUT", path, "{'accounts':['" + one + "','acc-none']}").expect(400);
        assertEquals(
                List.of(one, two).stream().sorted().toList(),
                RUNNING.http()
                        .get("/v1/products/" + product, RUNNING.operator())
                        .json()
                        .get("allowList"));
        assertEquals(
                "{\"accounts\":[]}",
                send("PUT", path, "{'accounts':[]}").expect(200).text());
        send("PUT", path, "{}").expect(400);
    }
}
