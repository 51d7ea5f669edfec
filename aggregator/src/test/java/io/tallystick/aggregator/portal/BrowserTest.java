package io.tallystick.aggregator.portal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.Browser;
import io.tallystick.testkit.NeedsTool;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The portal in a real browser: what only scripts, styles and policies together can get wrong. */
@NeedsTool({"chromium", "chromedriver"})
class BrowserTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static @Nullable Marketplace made;

    @TempDir
    Path profile;

    @BeforeAll
    static void make() {
        made = new Marketplace(RUNNING);
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
            assertEquals(2, browser.count(".chart canvas"));
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
            for (int hour = 0; hour < 60; hour++) {
                total += 40 + (hour * 7) % 31 + (hour % 3 != 1 ? 15 + (hour * 5) % 17 : 0);
            }
            assertEquals(total, ((Number) option.get("sum")).intValue());
        }
    }
}
