package io.tallystick.aggregator.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.portal.Visitor;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.Rule;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What buyers find, and by what words. */
class CatalogueSearchTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private String seller = "";
    private String buyer = "";

    @BeforeEach
    void aSellerAndABuyer() {
        seller = RUNNING.account("seller");
        buyer = RUNNING.account("buyer");
    }

    private String product(String title, String page, String... steps) {
        String json = "{'title':'" + title + "','page':" + page + "}";
        String id = RUNNING.http()
                .post("/v1/products", RUNNING.token(Role.SELLER, seller), json.replace('\'', '"'))
                .expect(201)
                .get("id");
        RUNNING.visibility(id, steps);
        return id;
    }

    private List<Object> found(String token, String query) {
        return RUNNING.http().get("/v1/catalogue?limit=1000&" + query, token).expect(200).list("items").stream()
                .filter(p -> seller.equals(p.get("seller")))
                .map(p -> p.get("id"))
                .toList();
    }

    private List<Object> bought(String query) {
        return found(RUNNING.token(Role.BUYER, buyer), query);
    }

    private static String q(String text) {
        return "q=" + URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** Where its published versions have copies, and not where it takes nobody new any more. */
    @Test
    void aProductIsFoundByTheCloudsAndRegionsOfItsVersions() {
        String product = product("Gateway", "{}", "LIMITED", "PUBLIC");
        RUNNING.database()
                .execute("INSERT INTO product_version (id, product_id, title, release_notes, cloud, region,"
                        + " source_image_id, source_image_name, status, created_at, modified_at, published_at) VALUES"
                        + " ('ver-found', '" + product
                        + "', '1', 'n', 'aws', 'us-east-1', 'ami-s', 'name', 'published',"
                        + " now(), now(), now())");
        RUNNING.copied("ver-found", "eu-west-3", "ami-found-3");
        RUNNING.copied("ver-found", "eu-west-1", "ami-found-1");
        for (String there : List.of("cloud=aws", "region=eu-west-3", "cloud=aws&region=eu-west-1")) {
            assertEquals(List.of(product), bought(there), there);
        }
        // The seller's image is in us-east-1, and nobody can launch it.
        for (String elsewhere : List.of("cloud=outscale", "region=us-east-1", "cloud=outscale&region=eu-west-3")) {
            assertEquals(List.of(), bought(elsewhere), elsewhere);
        }
        RUNNING.database()
                .execute("INSERT INTO product_place (product_id, kind, cloud, name, added_at, restricted_at) VALUES ('"
                        + product + "', 'region', 'aws', 'eu-west-3', now(), now())");
        assertEquals(List.of(), bought("region=eu-west-3"));
        assertEquals(List.of(product), bought("region=eu-west-1"));
    }

    @Test
    @Rule({"R1", "N3"})
    void aProductIsFoundByTitleKeywordsAndCategoriesHoweverTheyAreTyped() {
        String one = product(
                "Sésame Gateway",
                "{'keywords':['reverse proxy'],'categories':['Networking'],"
                        + "'texts':{'fr':{'highlights':['Très rapide']}}}",
                "LIMITED",
                "PUBLIC");
        String two = product("Vault", "{'categories':['Security']}", "LIMITED", "PUBLIC");
        // By id: which of two that were made within a millisecond comes first is chance.
        assertEquals(Set.of(one, two), Set.copyOf(bought("")));
        for (String text : List.of("sesame", "SÉSAME gate", "proxy", "tres rapide", "networking gateway")) {
            assertEquals(List.of(one), bought(q(text)), text);
        }
        assertEquals(List.of(two), bought("category=Security"));
        assertEquals(List.of(), bought(q("sesame vault")));
        // What people type is looked for as it is.
        assertEquals(List.of(), bought(q("%")));
        assertEquals(List.of(), bought("cloud=aws"));
        RUNNING.http()
                .get("/v1/catalogue?q=" + "x".repeat(201), RUNNING.operator())
                .expect(400);
    }

    @Test
    @Rule({"R4", "R5", "R14"})
    void whatIsStagedOrRestrictedIsNeverFoundNotEvenByItsSeller() {
        product("Staged", "{}");
        product("Restricted", "{}", "LIMITED", "PUBLIC", "RESTRICTED");
        String limited = product("Limited", "{}", "LIMITED");
        String own = RUNNING.token(Role.SELLER, seller);
        assertEquals(List.of(limited), found(own, ""));
        assertEquals(List.of(), bought(""));
        assertEquals(List.of(), found(RUNNING.operator(), ""));
        RUNNING.http()
                .send("PUT", "/v1/products/" + limited + "/allow-list", own, "{\"accounts\":[\"" + buyer + "\"]}")
                .expect(200);
        assertEquals(List.of(limited), bought(""));
    }

    @Test
    void whatBreaksARuleOfThePageIsNamedWhereItIs() {
        String json = "{'title':'T','page':{'logoUrl':'http://example.com/x','keywords':['" + "k".repeat(51) + "'],"
                + "'texts':{'en':{'highlights':['1','2','3','4']},'de':{}},'licence':{'name':'L'}}}";
        Http.Answer refused = RUNNING.http()
                .post("/v1/products", RUNNING.token(Role.SELLER, seller), json.replace('\'', '"'))
                .expect(400);
        List<Object> paths =
                refused.list("errors").stream().map(e -> e.get("path")).toList();
        for (String path : List.of(
                "page.logoUrl", "page.keywords[0]", "page.texts.en.highlights", "page.texts.de", "page.licence.url")) {
            assertTrue(paths.contains(path), path + " is not in " + paths);
        }
    }

    @Test
    @Rule({"R1", "R7", "N4"})
    void buyersSearchInThePortalAndReadAboutAProductInTheirLanguage() {
        String id = product(
                "Tunnel & bridge",
                "{'texts':{'en':{'shortDescription':'Goes fast.','highlights':['Quick <b>']},"
                        + "'fr':{'shortDescription':'Va vite.'}},'keywords':['vpn'],'support':'Write to us.',"
                        + "'resources':[{'text':'Manual','url':'https://example.com/manual'}]}",
                "LIMITED",
                "PUBLIC");
        Visitor visitor = RUNNING.visitor(Role.BUYER, buyer);
        String link = "<a href=\"/portal/catalogue/" + id + "\">Tunnel &amp; bridge</a>";
        String found =
                visitor.get("/portal/catalogue?q=VPN+%26+bridge").expect(200).text();
        assertTrue(found.contains(link) && found.contains("Goes fast."), found);
        assertTrue(found.contains("value=\"VPN &amp; bridge\""), found);
        String nothing =
                visitor.get("/portal/catalogue?q=vpn+%3Cnothing%3E").expect(200).text();
        assertTrue(nothing.contains("Nothing was found") && !nothing.contains(link), nothing);
        visitor.get("/portal/catalogue?q=" + "x".repeat(201)).expect(400);

        String page = visitor.get("/portal/catalogue/" + id).expect(200).text();
        assertTrue(page.contains("<li>Quick &lt;b") && page.contains("Write to us."), page);
        assertTrue(
                page.contains("<a href=\"https://example.com/manual\" rel=\"noopener noreferrer\">Manual</a>"), page);
        assertTrue(page.contains("action=\"/portal/catalogue/" + id + "/subscribe\""), page);
        visitor.post("/portal/language", Map.of("language", "fr", "back", "/portal/catalogue"))
                .expect(303);
        assertTrue(visitor.get("/portal/catalogue/" + id).expect(200).text().contains("Va vite."), id);
        visitor.get("/portal/catalogue/" + product("Staged", "{}")).expect(404);
    }
}
