package io.tallystick.aggregator.portal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.Browser;
import io.tallystick.testkit.NeedsTool;
import io.tallystick.testkit.Rule;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The portal in a real browser: what only scripts, styles and policies together can get wrong. */
@NeedsTool({"chromium", "chromedriver"})
class BrowserTest {
    private static final ImageWorld CLOUDS = ImageWorld.open();

    @RegisterExtension
    static final RunningAggregator RUNNING = Marketplace.aggregator(CLOUDS);

    private static @Nullable Marketplace made;

    @TempDir
    Path profile;

    @BeforeAll
    static void make() {
        made = new Marketplace(RUNNING, CLOUDS);
    }

    private static Marketplace marketplace() {
        if (made == null) {
            throw new IllegalStateException("made before all tests");
        }
        return made;
    }

    private Browser browser(Language language) {
        return new Browser("http://127.0.0.1:" + RUNNING.running().port(), profile, language.tag());
    }

    @Test
    @Rule({"R19", "O4"})
    void aSellerSignsInCopiesTheCodeAndLooksAtUsage() {
        String email = RUNNING.user(Role.SELLER, marketplace().seller);
        try (Browser browser = browser(Language.ENGLISH)) {
            browser.open("/portal/usage");
            assertEquals("/portal/sign-in?next=%2Fportal%2Fusage", browser.path());
            browser.fillIn(email, RunningAggregator.PASSWORD);
            assertEquals("/portal/usage", browser.path());

            browser.open("/portal/products");
            assertEquals(3, browser.count("tbody tr"));
            assertTrue(browser.text("tbody").contains(Marketplace.TITLE));
            browser.allowClipboard();
            browser.click("button[data-copy='" + marketplace().code + "']");
            browser.awaitText("button.copy", "Copied");
            assertEquals(
                    marketplace().code,
                    browser.scriptLater("navigator.clipboard.readText().then(arguments[arguments.length - 1])"));

            browser.click("tbody a[href$='" + marketplace().product + "']");
            assertEquals(Marketplace.TITLE, browser.text("h1"));
            browser.click("main a[href^='/portal/usage']");
            browser.await(".chart[data-drawn]");
            assertEquals(3, browser.count(".chart canvas"));
            assertInked(browser);
            browser.assertQuiet();
        }
    }

    /** A canvas that is there and blank would pass for a chart; count what is not transparent or white. */
    private static void assertInked(Browser browser) {
        Object inked = browser.script(
                """
                const canvas = document.querySelector('.chart canvas');
                const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                let colours = 0;
                for (let i = 0; i < data.length; i += 4) {
                  const spread = Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
                  if (data[i + 3] > 0 && spread > 40) { colours++; }
                }
                return colours;
                """);
        assertTrue(((Number) inked).intValue() > 1000, "coloured pixels: " + inked);
    }

    @Test
    void aFilterChangesChartTableAndAddressWithoutAReload() {
        String email = RUNNING.user(Role.SELLER, marketplace().seller);
        try (Browser browser = browser(Language.ENGLISH)) {
            browser.signIn(email, RunningAggregator.PASSWORD);
            browser.open("/portal/usage");
            browser.await(".chart[data-drawn]");
            browser.script("window.notReloaded = true");
            browser.choose("dimension", "indexed-gb");
            browser.awaitText("#result figcaption", "indexed-gb");
            browser.until(() -> browser.count(".chart") == 1 && browser.count(".chart[data-drawn]") == 1, "one chart");
            assertEquals(true, browser.script("return window.notReloaded === true"));
            assertTrue(browser.path().contains("dimension=indexed-gb"), browser.path());
            assertTrue(browser.text("figcaption").contains("75 GB"), browser.text("figcaption"));
            assertInked(browser);
            browser.assertQuiet();
        }
    }

    /** What was published, metered and closed is what each of the three reads. */
    @Test
    void versionsChangesRevenueAndStatementsShowWhatHappened() {
        Marketplace made = marketplace();
        try (Browser browser = browser(Language.ENGLISH)) {
            browser.signIn(RUNNING.user(Role.SELLER, made.seller), RunningAggregator.PASSWORD);
            browser.open("/portal/products/" + made.product);
            String versions = browser.text("#versions");
            for (String word : List.of("1.4", "Restricted", "1.5", "Latest", "1.6", "Draft", "Published")) {
                assertTrue(versions.contains(word), word + " in " + versions);
            }
            assertTrue(browser.text("#offers").contains("0.0025 EUR"), browser.text("#offers"));
            browser.open("/portal/change-sets/" + made.changeSet);
            assertEquals(5, browser.count("#progress tbody tr"));
            assertTrue(browser.text("#progress").contains("1.5"), browser.text("#progress"));

            browser.open("/portal/usage?dimension=searches&from=2026-03-30&to=2026-04-02");
            browser.await(".chart[data-drawn]");
            String version = String.valueOf(
                    browser.script("return [...document.querySelectorAll('[name=version] option')].find(o =>"
                            + " o.text.startsWith('1.5')).value"));
            browser.choose("version", version);
            browser.awaitText("#result figcaption", searches(true));
            browser.choose("version", "none");
            browser.awaitText("#result figcaption", searches(false));

            browser.open("/portal/revenue");
            assertTrue(browser.text("tbody").contains("2026-03"), browser.text("tbody"));
            assertTrue(browser.text("tbody").contains("Closed"), browser.text("tbody"));
            browser.open("/portal/statements");
            assertEquals(2, browser.count("tbody tr"));
            String listed = browser.text("tbody tr td.number");
            browser.click("tbody tr a");
            browser.awaitText("h1", "Statement 2026-03");
            assertTrue(browser.text("dl.facts").contains(listed), browser.text("dl.facts"));
            browser.assertQuiet();
        }
    }

    /** The first buyer's VM runs the copy of 1.5, the other's an image of its own. */
    private static String searches(boolean first) {
        int sum = 0;
        for (int hour = 0; hour < Marketplace.HOURS; hour++) {
            sum += first ? 40 + (hour * 7) % 31 : hour % 3 != 1 ? 15 + (hour * 5) % 17 : 0;
        }
        return String.format(Locale.ENGLISH, "%,d", sum);
    }

    @Test
    void aBuyerMakesAJoinCodeAndAnOperatorAcknowledgesAnIncident() {
        Marketplace made = marketplace();
        try (Browser browser = browser(Language.ENGLISH)) {
            browser.signIn(RUNNING.user(Role.BUYER, made.buyer), RunningAggregator.PASSWORD);
            browser.open("/portal/join-codes");
            browser.type("uses", "3");
            browser.type("description", "The machines of Brest");
            browser.click("form.filters .submit button");
            browser.await("#made button.copy");
            browser.awaitText("tbody tr", "The machines of Brest");
            browser.click("tbody tr button.danger");
            browser.awaitText("tbody tr", "Revoked");
            browser.click("#sign-out");

            browser.signIn(RUNNING.user(Role.OPERATOR, null), RunningAggregator.PASSWORD);
            browser.open("/portal/incidents");
            int open = browser.count("tbody tr");
            browser.type("note", "asked Brise Marine");
            browser.click("button[data-action=acknowledge]");
            browser.awaitText(".notice", "Acknowledged");
            assertEquals(open - 1, browser.count("tbody tr"));
            browser.open("/portal/incidents?status=acknowledged");
            browser.awaitText("tbody tr", "asked Brise Marine");
            browser.open("/portal/quarantine");
            browser.awaitText("tbody tr", "serches");
            browser.assertQuiet();
        }
    }

    @Test
    void theSamePageSpeaksBothLanguages() {
        String email = RUNNING.user(Role.SELLER, marketplace().seller);
        try (Browser browser = browser(Language.FRENCH)) {
            browser.open("/portal/sign-in");
            assertEquals("Se connecter", browser.text("h1"));
            browser.signIn(email, RunningAggregator.PASSWORD);
            assertEquals("Mes produits", browser.text("h1"));
            browser.click("button[name='language'][value='en']");
            browser.awaitText("h1", "My products");
            browser.assertQuiet();
        }
    }

    @Test
    void theChartsDataIsTheTablesData() {
        String email = RUNNING.user(Role.SELLER, marketplace().seller);
        try (Browser browser = browser(Language.ENGLISH)) {
            browser.signIn(email, RunningAggregator.PASSWORD);
            browser.open("/portal/usage?dimension=searches&split=customer");
            browser.await(".chart[data-drawn]");
            @SuppressWarnings("unchecked")
            Map<String, Object> option = (Map<String, Object>)
                    browser.script(
                            """
                    const option = echarts.getInstanceByDom(document.querySelector('.chart')).getOption();
                    const sums = option.series.map(s => s.data.reduce((sum, d) => sum + d.value, 0));
                    return { names: option.series.map(s => s.name), sum: sums.reduce((a, b) => a + b, 0) };
                    """);
            assertEquals(2, ((List<?>) option.get("names")).size());
            int total = 0;
            for (int hour = 0; hour < Marketplace.HOURS; hour++) {
                total += 40 + (hour * 7) % 31 + (hour % 3 != 1 ? 15 + (hour * 5) % 17 : 0);
            }
            assertEquals(total, ((Number) option.get("sum")).intValue());
        }
    }
}
