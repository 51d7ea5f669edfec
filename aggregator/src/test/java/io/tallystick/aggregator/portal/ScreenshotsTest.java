package io.tallystick.aggregator.portal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.Browser;
import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * Visits every page as everybody who may, wide in English and narrow in French, whose words are longer. What is wrong by
 * any taste fails here: a page wider than its window, a message in the console. What is wrong by taste is for people:
 * {@code deploy/bin/screenshots} leaves the pictures in {@code aggregator/target/screenshots}.
 */
@NeedsTool({"chromium", "chromedriver"})
class ScreenshotsTest {
    private static final ImageWorld CLOUDS = ImageWorld.open();

    @RegisterExtension
    static final RunningAggregator RUNNING = Marketplace.aggregator(CLOUDS);

    /**
     * The build looks at the longer words in the narrower window only; {@code deploy/bin/screenshots} at everything, and
     * takes the pictures.
     */
    private static final boolean ALL = Boolean.getBoolean("tallystick.screenshots.all");

    private static final Path FOLDER =
            Path.of(System.getProperty("tallystick.root"), "aggregator", "target", "screenshots");

    /** Pages that show what became of a form: what that says, by field. */
    private static final Map<String, Map<String, String>> FORMS = Map.of(
            "load-form-differences",
            Map.of("support", "Write to us. We answer within a day.", "aws.regions", "eu-west-2 eu-west-3"),
            "load-form-problems",
            Map.of("title", "", "logoUrl", "http://example.com/logo.svg"));

    @TempDir
    Path profiles;

    @Test
    void noPageIsWiderThanItsWindowOrSpeaksToTheConsole() {
        Marketplace marketplace = new Marketplace(RUNNING, CLOUDS);
        Map<String, Map<String, String>> pages = new LinkedHashMap<>();
        pages.put("seller", sellerPages(marketplace));
        pages.put("buyer", buyerPages(marketplace));
        pages.put("operator", operatorPages(marketplace));
        for (Language language : ALL ? Language.values() : new Language[] {Language.FRENCH}) {
            int width = language == Language.ENGLISH ? 1280 : 420;
            visit("nobody", null, null, Map.of("sign-in", "/portal/sign-in"), language, width);
            visit("seller", Role.SELLER, marketplace.seller, pages.get("seller"), language, width);
            visit("buyer", Role.BUYER, marketplace.buyer, pages.get("buyer"), language, width);
            visit("operator", Role.OPERATOR, null, pages.get("operator"), language, width);
        }
        visit("empty", Role.SELLER, RUNNING.account("seller"), sellerLists(), Language.ENGLISH, 1280);
    }

    private static Map<String, String> sellerPages(Marketplace marketplace) {
        Map<String, String> pages = new LinkedHashMap<>(sellerLists());
        pages.put("product", "/portal/products/" + marketplace.product);
        pages.put("product-empty", "/portal/products/" + marketplace.emptyProduct);
        pages.put("version-new", "/portal/products/" + marketplace.product + "/versions/new");
        pages.put("version-draft", "/portal/versions/" + marketplace.draft + "/edit");
        pages.put("version-texts", "/portal/versions/" + marketplace.published + "/edit");
        pages.put("load-form-new", "/portal/load-forms");
        pages.put("load-form-differences", "/portal/products/" + marketplace.product + "/load-form");
        pages.put("load-form-problems", "/portal/products/" + marketplace.product + "/load-form");
        pages.put("change-set", "/portal/change-sets/" + marketplace.changeSet);
        pages.put("impact-version", "/portal/versions/" + marketplace.published + "/impact?action=unpublish");
        pages.put("impact-product", "/portal/products/" + marketplace.product + "/impact");
        pages.put("statement", "/portal/statements/" + statement());
        pages.put("usage-version", "/portal/usage?split=version");
        pages.put("usage-month", "/portal/usage?by=month&from=2026-03-01&to=2026-04-30");
        pages.put("usage-hour", "/portal/usage?by=hour&split=customer&dimension=searches");
        pages.put("not-found", "/portal/products/none");
        pages.put("wrong", "/portal/usage?from=2026-03-10&to=2026-03-01");
        return pages;
    }

    private static Map<String, String> sellerLists() {
        Map<String, String> pages = new LinkedHashMap<>();
        for (String page : List.of("products", "usage", "quarantine", "change-sets", "revenue", "statements")) {
            pages.put(page, "/portal/" + page);
        }
        return pages;
    }

    private static String statement() {
        return String.valueOf(RUNNING.http()
                .get("/v1/billing/statements?month=2026-03", RUNNING.operator())
                .list("items")
                .get(0)
                .get("id"));
    }

    private static Map<String, String> buyerPages(Marketplace marketplace) {
        Map<String, String> pages = new LinkedHashMap<>();
        for (String page : List.of("usage", "statements", "password", "catalogue", "join-codes")) {
            pages.put(page, "/portal/" + page);
        }
        pages.put("agreements", "/portal/agreements?done=subscribed");
        pages.put("catalogue-search", "/portal/catalogue?q=nothing+like+this");
        pages.put("catalogue-product", "/portal/catalogue/" + marketplace.product);
        return pages;
    }

    private static Map<String, String> operatorPages(Marketplace marketplace) {
        Map<String, String> pages = new LinkedHashMap<>();
        for (String page : List.of(
                "products",
                "reviews",
                "change-sets",
                "revenue",
                "statements",
                "incidents",
                "cloud-instances",
                "quarantine")) {
            pages.put(page, "/portal/" + page);
        }
        pages.put("product", "/portal/products/" + marketplace.product);
        pages.put("usage", "/portal/usage?split=customer");
        pages.put("enrollment", "/portal/enrollments/" + marketplace.enrollment);
        return pages;
    }

    /** The load form of a page, with these values in column B of its fields. */
    private Path form(Map<String, String> values, String path, @Nullable String account) {
        String form = RUNNING.visitor(Role.SELLER, account).get(path + ".csv").text();
        for (Map.Entry<String, String> value : values.entrySet()) {
            form = form.replaceFirst(
                    "(?m)^" + value.getKey() + ",[^,]*,", value.getKey() + "," + value.getValue() + ",");
        }
        try {
            return Files.writeString(profiles.resolve("form.csv"), form);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void visit(
            String who,
            @Nullable Role role,
            @Nullable String account,
            Map<String, String> pages,
            Language language,
            int width) {
        Path profile = profiles.resolve(who + "-" + language.tag());
        try (Browser browser =
                new Browser("http://127.0.0.1:" + RUNNING.running().port(), profile, language.tag())) {
            if (role != null) {
                browser.signIn(RUNNING.user(role, account), RunningAggregator.PASSWORD);
            }
            pages.forEach((name, path) -> {
                browser.size(width, 900);
                browser.open(path);
                if (browser.count(".chart") > 0) {
                    browser.await(".chart[data-drawn]");
                }
                if (FORMS.containsKey(name)) {
                    browser.type("file", form(FORMS.get(name), path, account).toString());
                    browser.click("#upload button");
                    browser.await("#differences, #problems");
                }
                if (ALL) {
                    browser.screenshot(FOLDER.resolve(language.tag() + "-" + who + "-" + name + ".png"));
                }
                Object overflow = browser.script("return document.documentElement.scrollWidth - window.innerWidth");
                assertEquals(0, Math.max(0, ((Number) overflow).intValue()), who + " " + name + " is too wide");
                if (!name.equals("not-found") && !name.equals("wrong") && !name.equals("load-form-problems")) {
                    browser.assertQuiet();
                } else {
                    // Chromium notes the status of every failed page.
                    browser.forgetConsole();
                }
            });
        }
    }
}
