package io.tallystick.aggregator.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.Rule;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The product load form, from the blank sheet to the change set; and the thread about it. */
class LoadFormTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private String seller = "";
    private String token = "";

    @BeforeEach
    void aSeller() {
        seller = RUNNING.account("seller");
        token = RUNNING.token(Role.SELLER, seller);
    }

    private Http.Answer send(String method, String path, String form) {
        return RUNNING.http().send(method, path, token, Json.write(Json.object("form", form)));
    }

    /** The form with other values in column B. */
    private static String filled(String form, Map<String, String> values) {
        List<List<String>> rows = new ArrayList<>();
        for (List<String> row : Sheet.read(form)) {
            List<String> copy = new ArrayList<>(row);
            copy.set(1, values.getOrDefault(row.get(0), row.get(1)));
            rows.add(copy);
        }
        return Sheet.write(rows);
    }

    private String blank() {
        return RUNNING.http().get("/v1/load-forms/blank", token).expect(200).text();
    }

    private String form(String product) {
        return RUNNING.http()
                .get("/v1/products/" + product + "/load-form", token)
                .expect(200)
                .text();
    }

    private String created(Map<String, String> values) {
        Http.Answer made =
                send("POST", "/v1/load-forms", filled(blank(), values)).expect(201);
        if (made.json().get("changeSet") instanceof Map<?, ?> set) {
            RUNNING.finish(String.valueOf(set.get("id")));
        }
        return String.valueOf(((Map<?, ?>) made.json().get("product")).get("id"));
    }

    private Map<String, Object> product(String id) {
        return RUNNING.http().get("/v1/products/" + id, token).expect(200).json();
    }

    private List<Object> cells(Http.Answer refused) {
        return refused.expect(400).list("errors").stream()
                .map(e -> e.get("path"))
                .toList();
    }

    /** The cell in column B of a field. */
    private static String cell(String form, String field) {
        List<List<String>> rows = Sheet.read(form);
        for (int i = 0; i < rows.size(); i++) {
            if (rows.get(i).get(0).equals(field)) {
                return "B" + (i + 1);
            }
        }
        throw new AssertionError(field);
    }

    @Test
    @Rule({"R24", "R27"})
    void aBlankFormMakesAProductAndAFilledInOneChangesWhatDiffers() {
        String id = created(Map.of(
                "title", "Gateway, \"the\" first",
                "en.shortDescription", "Two lines.\nAnd a comma, too.",
                "keyword.3", "proxy",
                "category.1", "=Networking",
                "aws.regions", "eu-west-1 eu-west-3"));
        Map<String, Object> before = product(id);
        assertEquals("Gateway, \"the\" first", before.get("title"));
        assertEquals("STAGING", before.get("visibility"));
        Map<?, ?> page = (Map<?, ?>) before.get("page");
        assertEquals(List.of("proxy"), page.get("keywords"));
        assertEquals(List.of("=Networking"), page.get("categories"));
        assertEquals(2, ((List<?>) before.get("regions")).size());

        String form = form(id);
        // What a spreadsheet would run is a text in it.
        assertTrue(form.contains("'=Networking"), form);
        assertFalse(form.contains(",=Networking"), form);
        assertEquals(
                Map.of(),
                send("PUT", "/v1/products/" + id + "/load-form", form)
                        .expect(200)
                        .json());
        String changed = filled(form, Map.of("aws.regions", "eu-west-1 eu-north-1", "support", "Write to us."));
        Http.Answer started =
                send("PUT", "/v1/products/" + id + "/load-form", changed).expect(200);
        Map<?, ?> set = (Map<?, ?>) started.json().get("changeSet");
        assertEquals(
                List.of("UpdateInformation", "AddRegions", "RestrictRegions"),
                ((List<?>) set.get("changes"))
                        .stream().map(c -> ((Map<?, ?>) c).get("type")).toList());
        RUNNING.clock().advance(Duration.ofSeconds(1));
        RUNNING.finish(String.valueOf(set.get("id")));
        Map<String, Object> after = product(id);
        assertEquals("Write to us.", ((Map<?, ?>) after.get("page")).get("support"));
        assertEquals(List.of("=Networking"), ((Map<?, ?>) after.get("page")).get("categories"));
        assertTrue(Json.write(after.get("regions")).contains("eu-west-3\",\"restrictedAt"), after.toString());
        // The form knows what it was filled in from: nobody is overwritten.
        Http.Answer stale = send(
                        "PUT", "/v1/products/" + id + "/load-form", filled(form, Map.of("support", "Call us.")))
                .expect(409);
        assertTrue(stale.text().contains("changed meanwhile"), stale.text());
        // Nor are the regions that somebody else has changed, even where the form says nothing new about the page.
        Http.Answer undoing = send(
                        "PUT",
                        "/v1/products/" + id + "/load-form",
                        filled(form, Map.of("support", "Write to us.", "aws.instanceTypes", "m5.large")))
                .expect(409);
        assertEquals("B2", undoing.list("errors").get(0).get("path"), undoing.text());
        // What is so already needs no change, however old the form is.
        assertEquals(
                Map.of(),
                send("PUT", "/v1/products/" + id + "/load-form", changed)
                        .expect(200)
                        .json());
    }

    @Test
    @Rule({"R2", "R27"})
    void thereIsABlankFormForEachTypeOfProductAndATypeStays() {
        for (String type : List.of("image", "template", "package")) {
            String blank = RUNNING.http()
                    .get("/v1/load-forms/blank?type=" + type, token)
                    .expect(200)
                    .text();
            assertEquals(!type.equals("package"), blank.contains("aws.regions"), type);
            Http.Answer made = send("POST", "/v1/load-forms", filled(blank, Map.of("title", "A " + type)))
                    .expect(201);
            String id = String.valueOf(((Map<?, ?>) made.json().get("product")).get("id"));
            assertEquals(type, product(id).get("type"));
            String path = "/v1/products/" + id + "/load-form";
            String form = form(id);
            String other = type.equals("image") ? "package" : "image";
            assertEquals(
                    List.of(cell(form, "type")), cells(send("PUT", path, filled(form, Map.of("type", other)))), type);
            // As it is, and as forms were that did not say it.
            String old = Sheet.write(Sheet.read(form).stream()
                    .filter(row -> !row.get(0).equals("type"))
                    .toList());
            for (String same : List.of(form, old)) {
                assertEquals(Map.of(), send("PUT", path, same).expect(200).json(), type);
            }
        }
        RUNNING.http().get("/v1/load-forms/blank?type=container", token).expect(400);
        String blank = blank();
        assertEquals(
                List.of(cell(blank, "type")),
                cells(send("POST", "/v1/load-forms", filled(blank, Map.of("title", "T", "type", "container")))));
    }

    @Test
    @Rule("R27")
    void everyProblemIsNamedByItsCell() {
        String blank = blank();
        String wrong = filled(
                        blank,
                        Map.of(
                                "title", "t".repeat(201),
                                "en.highlight.2", "h".repeat(501),
                                "keyword.7", "k".repeat(51),
                                "logoUrl", "http://example.com/logo",
                                "resource.2.text", "Manual",
                                "licence.name", "Ours",
                                "outscale.instanceTypes", "tinav6.c2r4p1 a/b"))
                + "colour,blue\r\n";
        List<Object> cells = cells(send("POST", "/v1/load-forms", wrong));
        for (String field : List.of(
                "title",
                "en.highlight.2",
                "keyword.7",
                "logoUrl",
                "resource.2.text",
                "licence.name",
                "outscale.instanceTypes")) {
            assertTrue(cells.contains(cell(blank, field)), field + " " + cell(blank, field) + " is not in " + cells);
        }
        assertTrue(cells.contains("A" + (Sheet.read(blank).size() + 1)), cells.toString());
        assertEquals(List.of("form"), cells(send("POST", "/v1/load-forms", "field,value\r\ntitle,\"x")));
        String id = created(Map.of("title", "T"));
        assertEquals(
                List.of("B2"),
                cells(send("PUT", "/v1/products/" + id + "/load-form", filled(blank, Map.of("title", "T")))));
        assertEquals(List.of("B2"), cells(send("POST", "/v1/load-forms", form(id))));
        // Wherever somebody has moved the row.
        List<List<String>> moved = new ArrayList<>(Sheet.read(form(id)));
        moved.add(moved.remove(1));
        assertEquals(List.of("B" + moved.size()), cells(send("POST", "/v1/load-forms", Sheet.write(moved))));
        // An answer is not as long as whatever was sent.
        List<Object> many = cells(send("POST", "/v1/load-forms", blank + "colour,blue\r\n".repeat(300)));
        assertEquals(Fields.PROBLEMS_MAX + 1, many.size());
    }

    @Test
    @Rule({"R25", "R27"})
    void aFormRestrictsDimensionsNamesThemAnewAndAddsThemAgain() {
        String id = created(Map.of("title", "T", "dimension.1.key", "requests", "dimension.1.unit", "Requests"));
        String path = "/v1/products/" + id + "/load-form";
        List<String> seen = new ArrayList<>();
        for (Map<String, String> step : List.of(
                Map.of("dimension.1.restricted", "yes", "dimension.1.title", "Calls"),
                Map.of("dimension.1.title", "Requests"),
                Map.of("dimension.1.restricted", ""))) {
            Http.Answer started = send("PUT", path, filled(form(id), step)).expect(200);
            RUNNING.clock().advance(Duration.ofSeconds(1));
            RUNNING.finish(String.valueOf(((Map<?, ?>) started.json().get("changeSet")).get("id")));
            Map<?, ?> now = (Map<?, ?>) ((List<?>) product(id).get("dimensions")).get(0);
            seen.add(now.get("title") + " " + now.containsKey("restrictedAt"));
        }
        assertEquals(List.of("Calls true", "Requests true", "Requests false"), seen);
        String form = form(id);
        assertEquals(
                List.of(cell(form, "dimension.1.restricted")),
                cells(send("PUT", path, filled(form, Map.of("dimension.1.restricted", "maybe")))));
        assertEquals(
                List.of(cell(form, "dimension.1.key")),
                cells(send("PUT", path, filled(form, Map.of("dimension.1.unit", "Other")))));
        String fresh =
                filled(form, Map.of("dimension.2.key", "b", "dimension.2.unit", "GB", "dimension.2.restricted", "yes"));
        assertEquals(List.of(cell(form, "dimension.2.key")), cells(send("PUT", path, fresh)));
        // A form from before there was such a row says nothing of it.
        String old = form.lines().filter(line -> !line.contains(".restricted,")).collect(Collectors.joining("\n"));
        assertEquals(Map.of(), send("PUT", path, old).expect(200).json());
    }

    private static String types(int count) {
        return IntStream.range(0, count).mapToObj(i -> "t" + i + ".large").collect(Collectors.joining(" "));
    }

    /** A change has room for 100 names; what is more was lost once. */
    @Test
    @Rule("R27")
    void aFormWithManyNamesChangesAllOfThemOrNothing() {
        String id = created(Map.of("title", "Large", "aws.instanceTypes", types(250)));
        assertEquals(250, ((List<?>) product(id).get("instanceTypes")).size());
        String form = form(id);
        Http.Answer started = send(
                        "PUT", "/v1/products/" + id + "/load-form", filled(form, Map.of("aws.instanceTypes", types(1))))
                .expect(200);
        RUNNING.finish(String.valueOf(((Map<?, ?>) started.json().get("changeSet")).get("id")));
        assertEquals(249, Json.write(product(id).get("instanceTypes")).split("restrictedAt", -1).length - 1);

        int products = RUNNING.http()
                .get("/v1/products?limit=1000", token)
                .list("items")
                .size();
        Http.Answer refused = send(
                "POST",
                "/v1/load-forms",
                filled(blank(), Map.of("title", "Too large", "aws.instanceTypes", types(2001))));
        assertEquals(List.of("form"), cells(refused));
        assertTrue(refused.text().contains("upload it in parts"), refused.text());
        assertEquals(
                products,
                RUNNING.http()
                        .get("/v1/products?limit=1000", token)
                        .list("items")
                        .size());
    }

    @Test
    void aSheetSurvivesSpreadsheetsOfEitherKind() {
        List<List<String>> rows = List.of(List.of("field", "value"), List.of("title", "a;b \"c\"\nd,e"));
        assertEquals(rows, Sheet.read(Sheet.write(rows)));
        for (String text : List.of("=1+1", "'=1+1", "''=1+1", "'tis", "'", "＝1", "-5", "@a", "plain")) {
            List<List<String>> cells = List.of(List.of("field", text));
            String written = Sheet.write(cells);
            assertEquals(cells, Sheet.read(written), written);
            assertFalse(written.matches("(?s).*,[=＝@-].*"), written);
        }
        assertEquals(List.of(List.of("what people type", "'tis")), Sheet.read("what people type,'tis\r\n"));
        assertEquals(rows, Sheet.read("\uFEFFfield;value\r\ntitle;\"a;b \"\"c\"\"\nd,e\"\r\n"));
    }

    @Test
    void sellerAndOperatorWriteToEachOtherAboutAChangeSet() {
        RUNNING.http()
                .send(
                        "PUT",
                        "/v1/accounts/" + seller + "/contacts",
                        RUNNING.operator(),
                        "{\"contacts\":[{\"email\":\"seller@example.com\"}]}");
        String id = created(Map.of("title", "T"));
        Http.Answer started = send(
                        "PUT",
                        "/v1/products/" + id + "/load-form",
                        filled(form(id), Map.of("aws.regions", "eu-west-1")))
                .expect(200);
        String path = "/v1/change-sets/" + ((Map<?, ?>) started.json().get("changeSet")).get("id") + "/messages";
        RUNNING.http().post(path, token, "{\"text\":\"Please hurry.\"}").expect(201);
        RUNNING.http()
                .post(path, RUNNING.operator(), "{\"text\":\"It will be done today.\"}")
                .expect(201);
        assertEquals(
                List.of("seller: Please hurry.", "operator: It will be done today."),
                RUNNING.http().get(path, token).expect(200).list("items").stream()
                        .map(m -> m.get("author") + ": " + m.get("text"))
                        .toList());
        RUNNING.http()
                .get(path, RUNNING.token(Role.SELLER, RUNNING.account("seller")))
                .expect(404);
        // What the operator writes is mailed to the seller, and nothing else to anybody.
        assertEquals(
                List.of("seller@example.com The operator writes about Product load form It will be done today."),
                texts("SELECT recipient || ' ' || subject || ' ' || split_part(body, chr(10), 1) FROM outbox"
                        + " WHERE event LIKE 'change-set-message:%'"));
        // A thread ends somewhere.
        String set = path.split("/", -1)[3];
        RUNNING.database()
                .execute("INSERT INTO change_set_message (id, change_set_id, author, actor, text, written_at)"
                        + " SELECT 'msg-many-' || n, '" + set + "', 'seller', 'test', 'Well?', now()"
                        + " FROM generate_series(1, " + (Message.PER_SET_MAX - 3) + ") AS n");
        RUNNING.http().post(path, token, "{\"text\":\"The last word.\"}").expect(201);
        assertEquals(
                "conflict",
                RUNNING.http()
                        .post(path, token, "{\"text\":\"One more.\"}")
                        .expect(409)
                        .get("code"));
    }

    private static List<String> texts(String sql) {
        try (Connection connection = RUNNING.database().connect();
                ResultSet rows = connection.createStatement().executeQuery(sql)) {
            List<String> texts = new ArrayList<>();
            while (rows.next()) {
                texts.add(rows.getString(1));
            }
            return texts;
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }
}
