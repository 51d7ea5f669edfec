package io.tallystick.aggregator.portal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.testkit.Browser;
import io.tallystick.testkit.NeedsTool;
import io.tallystick.testkit.Rule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The life of a version by its pages: the change sets they start are worked off by the aggregator's own workers, against the
 * simulated clouds' APIs.
 */
class VersionPagesTest {
    private static final ImageWorld WORLD = ImageWorld.open();

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(WORLD.settings());

    private static final AtomicInteger ACCOUNTS = new AtomicInteger();

    @TempDir
    Path profile;

    @BeforeAll
    static void oneTime() {
        WORLD.follow(RUNNING);
    }

    /** A seller with an account at both clouds and a PUBLIC product. */
    private record Shop(String seller, String account, String product, String code) {
        static Shop open() {
            String seller = RUNNING.account("seller");
            String account = "2000000000%02d".formatted(ACCOUNTS.incrementAndGet());
            for (Cloud cloud : Cloud.values()) {
                RUNNING.cloudAccount(seller, cloud.wire(), account);
            }
            String product = RUNNING.product(seller, "calls");
            RUNNING.visibility(product, "LIMITED", "PUBLIC");
            return new Shop(seller, account, product, RUNNING.code(product));
        }

        String image(Cloud cloud, String name) {
            return WORLD.image(cloud, account, name, code);
        }
    }

    @Test
    @NeedsTool({"chromium", "chromedriver"})
    @Rule({"O1", "O13", "R27"})
    void aSellerCreatesPublishesModifiesAndUnpublishesByHand() throws IOException {
        Shop shop = Shop.open();
        String first = shop.image(Cloud.OUTSCALE, "Gateway 1");
        String second = shop.image(Cloud.OUTSCALE, "Gateway 2");
        WORLD.image(Cloud.OUTSCALE, shop.account(), "Without the code");
        WORLD.image(Cloud.OUTSCALE, "300000000001", "Of somebody else", shop.code());
        try (Browser browser =
                new Browser("http://127.0.0.1:" + RUNNING.running().port(), profile, "en")) {
            browser.signIn(RUNNING.user(Role.SELLER, shop.seller()), RunningAggregator.PASSWORD);
            browser.open("/portal/products/" + shop.product());
            browser.click("#create-version");
            browser.choose("cloud", "outscale");
            browser.type("region", ImageWorld.REGION);
            browser.click("#place button");
            // Rule O12: only images of one's own that carry the code.
            browser.await("select[name=imageId]");
            assertEquals(2, browser.count("select[name=imageId] option"));
            browser.choose("imageId", first);
            browser.type("title", "1.0");
            browser.type("softwareVersion", "1.0.7");
            browser.type("releaseNotes", "The first one.\nWith two lines.");
            browser.click("button[value=publish]");
            assertTrue(browser.accept().startsWith("Copy of the image"));
            succeeded(browser);
            assertEquals(5, browser.count("#progress tbody tr"));
            browser.open("/portal/products/" + shop.product());
            assertTrue(browser.text("#versions tbody tr").contains("Published"), browser.text("#versions"));
            assertTrue(browser.text("#versions tbody tr").contains("Latest"), browser.text("#versions"));
            // The only published version is not offered for what would be refused (O15).
            assertEquals(0, browser.count("button[value=restrict], button[value=unpublish]"));

            browser.click("#create-version");
            // Rule O9: filled in from the last created version, but its title is its own.
            browser.await("select[name=imageId]");
            assertEquals("", browser.script("return document.querySelector('[name=title]').value"));
            assertEquals("1.0.7", browser.script("return document.querySelector('[name=softwareVersion]').value"));
            assertEquals(
                    "The first one.\nWith two lines.",
                    browser.script("return document.querySelector('[name=releaseNotes]').value"));
            browser.choose("imageId", second);
            browser.type("title", "1.0");
            browser.click("button[value=draft]");
            // The form comes back with what was typed and says which rule was broken where.
            browser.awaitText(".error", "another version of this product has this title");
            assertEquals(1, browser.count("[name=title][aria-invalid=true]"));
            assertEquals(second, browser.script("return document.querySelector('[name=imageId]').value"));
            browser.forgetConsole();
            browser.type("title", "2.0");
            browser.click("button[value=draft]");
            browser.awaitText(".notice", "The draft is saved");
            browser.click("button[value=publish]");
            browser.accept();
            succeeded(browser);

            browser.open("/portal/products/" + shop.product());
            browser.click("#versions tbody tr:last-child a");
            browser.await("#version");
            assertEquals(0, browser.count("[name=imageId], [name=title]"));
            browser.type("releaseNotes", "Please move to 2.0.");
            browser.click("#version button");
            succeeded(browser);
            browser.open("/portal/products/" + shop.product());
            browser.click("#versions tbody tr:last-child button[value=unpublish]");
            browser.await("#impact");
            assertTrue(browser.text("#impact").contains("Open subscriptions"));
            browser.click("#confirm");
            succeeded(browser);
            browser.type("text", "Is this in order?");
            browser.click("#write button");
            browser.awaitText(".notice", "Sent.");
            assertTrue(browser.text("article.item").contains("Is this in order?"));
            browser.open("/portal/products/" + shop.product());
            assertTrue(browser.text("#versions tbody tr:last-child").contains("Unpublished"));
            assertEquals(
                    1,
                    WORLD.copies().stream()
                            .filter(i -> i.productCodes().contains(shop.code()))
                            .count());
            browser.click("#load-form");
            browser.await("#form-file");
            Path form = profile.resolve("form.csv");
            Files.writeString(
                    form,
                    RUNNING.visitor(Role.SELLER, shop.seller())
                            .get(browser.path() + ".csv")
                            .text()
                            .replaceFirst("(?m)^support,,", "support,Écrivez-nous.,"));
            browser.type("file", form.toString());
            browser.click("#upload button");
            browser.awaitText("#differences tbody", "Écrivez-nous.");
            browser.click("#carry-out button");
            succeeded(browser);
            browser.assertQuiet();
        }
    }

    /** The page follows along by itself; the clock is moved for steps that wait for the cloud. */
    private static void succeeded(Browser browser) {
        browser.await("#progress");
        browser.until(
                () -> {
                    RUNNING.clock().advance(Duration.ofSeconds(5));
                    return browser.count("#progress[data-status=SUCCEEDED]") > 0;
                },
                "the change set's end");
    }

    @Test
    void aFormThatBreaksRulesComesBackWholeInTheReadersLanguage() {
        Shop shop = Shop.open();
        String image = shop.image(Cloud.AWS, "Image");
        String foreign = WORLD.image(Cloud.AWS, "300000000009", "Foreign", shop.code());
        Visitor visitor = RUNNING.visitor(Role.SELLER, shop.seller());
        visitor.post("/portal/language", Map.of("language", "fr"));
        Map<String, String> form = new HashMap<>(Map.of(
                "cloud", "aws", "region", ImageWorld.REGION, "imageId", foreign, "title", "1", "releaseNotes", "<b>"));
        String path = "/portal/products/" + shop.product() + "/versions";
        String page = visitor.post(path, form).expect(400).text();
        assertTrue(page.contains("Rien n'a été enregistré"), page);
        assertTrue(page.matches("(?s).*name=\"imageId\" required aria-invalid=\"true\".*"), page);
        assertTrue(page.contains("&lt;b>") || page.contains("&lt;b&gt;"), page);

        form.put("imageId", image);
        form.put("title", "t".repeat(101));
        form.put("releaseNotes", "");
        page = visitor.post(path, form).expect(400).text();
        for (String field : List.of("title", "releaseNotes")) {
            assertTrue(page.matches("(?s).*name=\"" + field + "\"[^>]*aria-invalid=\"true\".*"), field + page);
        }
        assertFalse(page.matches("(?s).*name=\"imageId\"[^>]*aria-invalid.*"), page);
        // Nothing was saved by any of them.
        assertFalse(visitor.get("/portal/products/" + shop.product()).text().contains("id=\"versions\""));

        form.put("title", "1");
        form.put("releaseNotes", "é".repeat(20_000));
        form.put("usageInstructions", "é".repeat(20_000));
        form.put("softwareBase", "é".repeat(20_001));
        visitor.post(path, form).expect(400);
        form.put("softwareBase", "é".repeat(20_000));
        visitor.post(path, form).expect(303);
    }

    @Test
    @Rule("R24")
    void nobodyOverwritesWhatTheyHaveNotSeen() {
        Shop shop = Shop.open();
        String image = shop.image(Cloud.AWS, "Image");
        Visitor visitor = RUNNING.visitor(Role.SELLER, shop.seller());
        Map<String, String> form = new HashMap<>(Map.of(
                "cloud", "aws", "region", ImageWorld.REGION, "imageId", image, "title", "1", "releaseNotes", "n"));
        visitor.post("/portal/products/" + shop.product() + "/versions", form).expect(303);
        String product = visitor.get("/portal/products/" + shop.product()).text();
        String edit = product.replaceAll("(?s).*href=\"(/portal/versions/[^\"]+/edit)\".*", "$1");
        String revision = visitor.get(edit).text().replaceAll("(?s).*name=\"revision\" value=\"([^\"]+)\".*", "$1");
        form.put("revision", revision);
        form.put("title", "1.1");
        RUNNING.clock().advance(Duration.ofSeconds(1));
        visitor.post(edit, form).expect(303);
        form.put("title", "1.2");
        Http.Answer stale = visitor.post(edit, form).expect(409);
        assertTrue(stale.text().contains("somebody changed this version"), stale.text());
        assertTrue(visitor.get(edit).text().contains("value=\"1.1\""));
        form.put("revision", "yesterday");
        visitor.post(edit, form).expect(400);
    }
}
