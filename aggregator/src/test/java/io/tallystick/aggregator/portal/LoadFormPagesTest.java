package io.tallystick.aggregator.portal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.lifecycle.LoadForms;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.Rule;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Load forms by the pages that browsers get: out as a file, back as a file, looked at, carried out. */
class LoadFormPagesTest {
    private static final Pattern SENT = Pattern.compile("(?s)name=\"form\" value=\"([^\"]*)\"");
    private static final Pattern ROW = Pattern.compile("(?s)<tr>(.*?)</tr>");

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private String seller = "";
    private Visitor visitor = new Visitor(RUNNING.http());

    @BeforeEach
    void aSeller() {
        seller = RUNNING.account("seller");
        visitor = RUNNING.visitor(Role.SELLER, seller);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A form with other values in column B; rows end as Windows ends them. */
    private static String filled(String form, Map<String, String> values) {
        return form.lines()
                .map(line -> {
                    String[] cells = line.split(",", 3);
                    String value = values.get(cells[0]);
                    return value == null ? line : cells[0] + ",\"" + value.replace("\"", "\"\"") + "\"," + cells[2];
                })
                .collect(Collectors.joining("\r\n"));
    }

    private static String cell(String form, String field) {
        List<String> rows = form.lines().toList();
        for (int i = 0; i < rows.size(); i++) {
            if (rows.get(i).startsWith(field + ",")) {
                return "B" + (i + 1);
            }
        }
        throw new AssertionError("no row " + field);
    }

    private Http.Answer check(String path, String form) {
        return visitor.upload(path, Map.of(), Map.of("file", utf8(form)));
    }

    /** What a browser would send with the button: the hidden field, its lines ended as browsers end them. */
    private Http.Answer agree(String path, Http.Answer page) {
        Matcher sent = SENT.matcher(page.text());
        assertTrue(sent.find(), page.text());
        String form = sent.group(1)
                .replace("&#34;", "\"")
                .replace("&#39;", "'")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
                .replace("\n", "\r\n");
        return visitor.upload(path, Map.of("form", form), Map.of());
    }

    /** The cells of a table's body, without what surrounds their text. */
    private static List<List<String>> rows(Http.Answer page, String table) {
        String body = page.text().replaceAll("(?s).*<table id=\"" + table + "\">.*?<tbody>(.*?)</tbody>.*", "$1");
        List<List<String>> rows = new ArrayList<>();
        Matcher row = ROW.matcher(body);
        while (row.find()) {
            rows.add(List.of(row.group(1).split("</t[hd]>", -1)).stream()
                    .map(cell -> cell.replaceAll("<[^>]*>", "").strip())
                    .filter(cell -> !cell.isEmpty())
                    .toList());
        }
        return rows;
    }

    private String blank() {
        return visitor.get("/portal/load-forms/blank").expect(200).text();
    }

    private String made(Map<String, String> values) {
        Http.Answer looked =
                check("/portal/load-forms", filled(blank(), values)).expect(200);
        String at = agree("/portal/load-forms/create", looked).expect(303).header("Location");
        String set = at.replaceAll(".*/change-sets/([^?]*).*", "$1");
        if (!set.equals(at)) {
            RUNNING.finish(set);
            return RUNNING.http()
                    .get("/v1/change-sets/" + set, RUNNING.operator())
                    .text()
                    .replaceAll("(?s).*\"product\":\"([^\"]*)\".*", "$1");
        }
        return at.replaceAll("/portal/products/([^?]*).*", "$1");
    }

    private Http.Answer product(String id) {
        return RUNNING.http().get("/v1/products/" + id, RUNNING.operator()).expect(200);
    }

    @Test
    @Rule("R27")
    void aFormGoesOutComesBackIsLookedAtAndCarriedOut() {
        Http.Answer blank = visitor.get("/portal/load-forms/blank").expect(200);
        assertEquals("attachment; filename=\"product.csv\"", blank.header("Content-Disposition"));
        assertEquals("text/csv; charset=utf-8", blank.header("Content-Type"));
        String page = visitor.get("/portal/load-forms").expect(200).text();
        for (String type : List.of("image", "template", "package")) {
            String of = "/portal/load-forms/blank?type=" + type;
            assertTrue(page.contains("href=\"" + of + "\""), page);
            assertTrue(visitor.get(of).expect(200).text().contains("type," + type + ","), of);
        }
        Http.Answer looked = check(
                        "/portal/load-forms",
                        filled(
                                blank.text(),
                                Map.of(
                                        "title", "Gateway <1>",
                                        "en.longDescription", "One line.\nAnother \"line\" & more.",
                                        "dimension.1.key", "requests",
                                        "dimension.1.unit", "Requests",
                                        "aws.regions", "eu-west-3 eu-west-1")))
                .expect(200);
        assertEquals(
                List.of(
                        List.of("Create a product", "type", "–", "image"),
                        List.of("Create a product", "dimension", "–", "requests: requests, Requests"),
                        List.of("Create a product", "title", "–", "Gateway &lt;1&gt;"),
                        List.of(
                                "Create a product",
                                "en.longDescription",
                                "–",
                                "One line.\nAnother \"line\" &amp; more."),
                        List.of("Add regions", "aws.regions", "–", "eu-west-3 eu-west-1")),
                rows(looked, "differences"));
        // Nothing is made by looking.
        assertFalse(visitor.get("/portal/products").text().contains("Gateway"));
        String set = agree("/portal/load-forms/create", looked)
                .expect(303)
                .header("Location")
                .replaceAll("/portal/change-sets/(.*)\\?done=queued", "$1");
        RUNNING.finish(set);
        String id = RUNNING.http()
                .get("/v1/change-sets/" + set, RUNNING.operator())
                .text()
                .replaceAll("(?s).*\"product\":\"([^\"]*)\".*", "$1");
        assertEquals("Gateway <1>", product(id).get("title"));
        assertTrue(
                product(id).text().contains("One line.\\nAnother \\\"line\\\" & more."),
                product(id).text());

        String path = "/portal/products/" + id + "/load-form";
        assertTrue(visitor.get("/portal/products/" + id).text().contains("href=\"" + path + "\""));
        assertTrue(visitor.get(path).expect(200).text().contains("href=\"" + path + ".csv\""));
        Http.Answer form = visitor.get(path + ".csv").expect(200);
        assertEquals("attachment; filename=\"" + id + ".csv\"", form.header("Content-Disposition"));
        assertTrue(check(path, form.text()).expect(200).text().contains("Nothing would change."));
        // What was looked at before, and is so already when it is sent: nothing to do.
        assertEquals(
                "/portal/products/" + id + "?done=form-same",
                visitor.upload(path + "/apply", Map.of("form", form.text()), Map.of())
                        .expect(303)
                        .header("Location"));

        String twoLines =
                form.text().replace("\"One line.", "\"First line.").replace("eu-west-1 eu-west-3", "eu-west-3");
        looked = check(path, twoLines).expect(200);
        assertEquals(
                List.of(
                        List.of(
                                "Change the product's page",
                                "en.longDescription",
                                "One line.\nAnother \"line\" &amp; more.",
                                "First line.\nAnother \"line\" &amp; more."),
                        List.of("Restrict regions", "aws.regions", "eu-west-1", "–")),
                rows(looked, "differences"));
        assertTrue(product(id).text().contains("One line."));
        // What was only looked at is in the list, and does not pass for done.
        String list = visitor.get("/portal/change-sets").expect(200).text();
        assertTrue(list.contains("Only checked"), list);
        set = agree(path + "/apply", looked)
                .expect(303)
                .header("Location")
                .replaceAll("/portal/change-sets/(.*)\\?done=queued", "$1");
        assertTrue(visitor.get("/portal/change-sets/" + set).expect(200).text().contains("Restrict regions"));
        // As long as that is not done, another form is told so, with the way there.
        String locked = check(path, twoLines).expect(409).text();
        assertTrue(locked.contains("href=\"/portal/change-sets/" + set + "\""), locked);
        RUNNING.clock().advance(Duration.ofSeconds(1));
        RUNNING.finish(set);
        assertTrue(product(id).text().contains("First line."));
        // And then it is too old to say anything (rule R24).
        Http.Answer stale = check(path, form.text()).expect(409);
        assertEquals("B2", rows(stale, "problems").get(0).get(0));
    }

    @Test
    @Rule("R27")
    void everyProblemIsShownWithItsCellAndChangesNothing() {
        String blank = blank();
        Http.Answer wrong = check(
                        "/portal/load-forms",
                        filled(
                                blank,
                                Map.of(
                                        "title",
                                        "t".repeat(201),
                                        "keyword.7",
                                        "k".repeat(51),
                                        "dimension.2.key",
                                        "a b",
                                        "dimension.2.unit",
                                        "u")))
                .expect(400);
        List<String> cells =
                rows(wrong, "problems").stream().map(row -> row.get(0)).toList();
        for (String field : List.of("title", "keyword.7", "dimension.2.key")) {
            assertTrue(cells.contains(cell(blank, field)), field + " is not in " + cells);
        }
        assertFalse(wrong.text().contains("id=\"carry-out\""), "nothing to agree to");

        // What only the whole catalogue shows has its cell, too: a version at OUTSCALE needs French, and recommends a
        // type.
        String id = made(Map.of("title", "Vault", "outscale.instanceTypes", "large small"));
        RUNNING.database()
                .execute("INSERT INTO product_version (id, product_id, title, cloud, region, source_image_id,"
                        + " source_image_name, published_at, status, release_notes,"
                        + " recommended_instance_type, created_at, modified_at) VALUES ('ver-"
                        + id + "', '"
                        + id
                        + "', '1', 'outscale', 'r', 'ami-1', 'One', now(), 'published', 'n', 'large',"
                        + " now(), now())");
        String path = "/portal/products/" + id + "/load-form";
        String form = visitor.get(path + ".csv").text();
        Http.Answer refused = check(
                        path, filled(form, Map.of("en.shortDescription", "A vault", "outscale.instanceTypes", "small")))
                .expect(409);
        assertEquals(
                List.of(cell(form, "fr.shortDescription"), cell(form, "outscale.instanceTypes")),
                rows(refused, "problems").stream().map(row -> row.get(0)).toList(),
                refused.text());
    }

    @Test
    void whatIsNoFormIsRefusedWhereItIsSeen() {
        for (byte[] file : List.of(
                new byte[0], new byte[] {'f', (byte) 0xe9, '\n'}, utf8("field,value\ntitle,a\0b"), utf8("title,\"x"))) {
            Http.Answer page = visitor.upload("/portal/load-forms", Map.of(), Map.of("file", file))
                    .expect(400);
            assertEquals("form", rows(page, "problems").get(0).get(0), page.text());
        }
        // A form may have as many characters as a text, whatever these take.
        String row = "field,value\ntitle,T\nsupport,";
        String most = row + "\uD83D\uDE00".repeat((LoadForms.CHARS_MAX - row.length()) / 2);
        assertEquals(
                "B3",
                rows(check("/portal/load-forms", most).expect(400), "problems")
                        .get(0)
                        .get(0));
        assertEquals(
                "B3",
                rows(
                                visitor.upload("/portal/load-forms/create", Map.of("form", most), Map.of())
                                        .expect(400),
                                "problems")
                        .get(0)
                        .get(0));
        assertEquals(
                "form",
                rows(check("/portal/load-forms", most + "\uD83D\uDE00").expect(400), "problems")
                        .get(0)
                        .get(0));
        check("/portal/load-forms", "x".repeat(LoadForms.BYTES_MAX + 8 * 1024)).expect(413);
    }

    @Test
    void aFileOfAnotherSessionsPageIsNotTaken() {
        byte[] form = utf8(filled(blank(), Map.of("title", "Gateway")));
        visitor.upload("/portal/load-forms", Map.of("csrf", "x"), Map.of("file", form))
                .expect(403);
        visitor.post("/portal/load-forms", Map.of()).expect(415);
        for (String type : List.of(
                "multipart/form-data",
                "multipart/form-data; boundary=" + "b".repeat(71),
                "multipart/mixed; boundary=b")) {
            visitor.send(visitor.request("/portal/load-forms")
                            .header("Content-Type", type)
                            .POST(HttpRequest.BodyPublishers.ofString("--b--\r\n"))
                            .build())
                    .expect(415);
        }
        for (String disposition : List.of(
                "form-data; name=\"csrf\"; filename",
                "form-data",
                "form-data; name=\"csrf\"\r\nContent-Type: text/plain; charset=no$such",
                "form-data; name=\"csrf\"\r\nContent-Type: text/plain; charset=none-such")) {
            Http.Answer refused = visitor.send(visitor.request("/portal/load-forms")
                    .header("Content-Type", "multipart/form-data; boundary=b")
                    .POST(HttpRequest.BodyPublishers.ofString(
                            "--b\r\nContent-Disposition: " + disposition + "\r\n\r\nx\r\n--b--\r\n"))
                    .build());
            assertEquals(400, refused.status(), disposition);
        }
        // A form that ends in the middle of a file is nobody's wish.
        visitor.send(visitor.request("/portal/load-forms")
                        .header("Content-Type", "multipart/form-data; boundary=b")
                        .POST(HttpRequest.BodyPublishers.ofString(
                                "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n"
                                        + visitor.csrf()
                                        + "\r\n"
                                        + "--b\r\n"
                                        + "Content-Disposition: form-data; name=\"file\";"
                                        + " filename=\"f\"\r\n\r\n"
                                        + "field,value\ntitle,T\n"))
                        .build())
                .expect(400);
    }

    @Test
    void anOperatorMakesAProductForASeller() {
        Visitor operator = RUNNING.visitor(Role.OPERATOR, null);
        byte[] form = utf8(filled(blank(), Map.of("title", "Gateway")));
        Http.Answer none = operator.upload("/portal/load-forms", Map.of(), Map.of("file", form))
                .expect(400);
        assertEquals("seller", rows(none, "problems").get(0).get(0));
        Http.Answer looked = operator.upload("/portal/load-forms", Map.of("seller", seller), Map.of("file", form))
                .expect(200);
        assertTrue(looked.text().contains("name=\"seller\" value=\"" + seller + "\""), looked.text());
        String at = operator.upload(
                        "/portal/load-forms/create",
                        Map.of("seller", seller, "form", new String(form, StandardCharsets.UTF_8)),
                        Map.of())
                .expect(303)
                .header("Location");
        assertTrue(at.endsWith("?done=product-created"), at);
        assertEquals(
                seller,
                product(at.replaceAll("/portal/products/([^?]*).*", "$1")).get("seller"));
    }

    @Test
    void itSpeaksFrench() {
        visitor.post("/portal/language", Map.of("language", "fr"));
        Http.Answer looked = check("/portal/load-forms", filled(blank(), Map.of("title", "Portail")))
                .expect(200);
        assertTrue(looked.text().contains("Ce qui changerait"), looked.text());
        assertEquals("Créer un produit", rows(looked, "differences").get(0).get(0));
    }
}
