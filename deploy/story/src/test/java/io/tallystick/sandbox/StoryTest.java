package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.Browser;
import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.text.NumberFormat;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * The main job, end to end, with the programs as they were just built; and then what was published, launched, metered and
 * billed in it as its people see it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class StoryTest {
    /** Kept when the story fails: its logs say why. */
    private static final Path KEPT = Path.of("target", "story").toAbsolutePath();

    private static final PrintWriter OUT = new PrintWriter(System.out, true, StandardCharsets.UTF_8);

    private RunFolder folder;
    private Marketplace market;
    private boolean cameTrue;
    private boolean seen;

    @BeforeAll
    void openTheMarketplace() throws IOException {
        Programs programs = Programs.ofSystem();
        for (String module : List.of("agent", "aggregator", "deploy/cloudsim")) {
            assertIsNewest(programs.root().resolve(module));
        }
        folder = RunFolder.fresh(KEPT);
        OUT.println("playing the story in " + folder.path());
        Story.prepareClock(folder);
        market = Marketplace.open(folder, programs, 0, Database::embedded, OUT::println);
    }

    @AfterAll
    void nothingOfTheStoryRunsOn() {
        if (market != null) {
            market.close();
            assertEquals(List.of(), Leftovers.programs(folder.path()));
        }
        if (folder != null) {
            folder.close();
        }
        if (cameTrue && seen) {
            RunFolder.deleteTree(KEPT);
        }
    }

    @Test
    @Order(1)
    void theStoryComesTrueAgainstRealProcesses() {
        Story.whole().play(market, new Teller(OUT));
        cameTrue = true;
        seen = true;
    }

    /** The router of the OUTSCALE chapter: each of its people sees their side of it, and the same figures. */
    @Test
    @Order(2)
    @NeedsTool({"chromium", "chromedriver"})
    void whatWasPublishedLaunchedMeteredAndBilledIsSeenInTheBrowser(@TempDir Path profile) {
        assertTrue(cameTrue, "the story");
        seen = false;
        Rest buyer = market.rest().with(market.seed().buyerToken());
        Billed billed = buyer.get("/v1/billing/statements").expect(200).json().objects("items").stream()
                .map(s -> buyer.get("/v1/billing/statements/" + s.text("id"))
                        .expect(200)
                        .json())
                .flatMap(s -> s.objects("items").stream().map(l -> new Billed(s, l)))
                .filter(b -> b.line.text("productTitle").equals(OutscaleStep.PRODUCT))
                .filter(b -> b.line.text("dimension").equals(Seed.REQUESTS))
                .findFirst()
                .orElseThrow();
        String quantity = grouped(OutscaleStep.requests());
        assertEquals(new BigDecimal(OutscaleStep.requests()), new BigDecimal(billed.line.text("quantity")));
        try (Browser browser = new Browser(market.aggregatorUrl().toString(), profile, "en")) {
            sellerSees(browser, billed, quantity);
            buyerSees(browser, billed, quantity);
            operatorSees(browser);
            browser.assertQuiet();
        }
        seen = true;
    }

    /** What became of the router's requests. */
    private record Billed(Doc statement, Doc line) {
        String productId() {
            return line.text("productId");
        }

        String month() {
            return statement.text("month");
        }
    }

    private void sellerSees(Browser browser, Billed billed, String quantity) {
        Seed.LogIn seller = market.seed().sellerLogIn();
        browser.signIn(seller.email(), seller.password());
        browser.open("/portal/products/" + billed.productId());
        String code = market.rest()
                .with(market.seed().sellerToken())
                .get("/v1/products/" + billed.productId())
                .expect(200)
                .json()
                .text("productCode");
        browser.awaitText("h1", OutscaleStep.PRODUCT);
        String versions = browser.text("#versions");
        assertTrue(versions.contains(code) && versions.contains("Published") && versions.contains("Unpublished"));

        String day = billed.month() + "-01";
        browser.open("/portal/usage?product=" + billed.productId() + "&dimension=" + Seed.REQUESTS + "&from=" + day
                + "&to=" + LocalDate.parse(day).plusMonths(1).minusDays(1));
        browser.awaitText("#result figcaption", quantity);
        assertFalse(browser.text("#result table").contains("Provisional"), "all of the month is posted");

        browser.open("/portal/revenue");
        browser.awaitText("tbody tr", OutscaleStep.PRODUCT);
        signOut(browser);
    }

    private void buyerSees(Browser browser, Billed billed, String quantity) {
        Seed.LogIn buyer = market.seed().buyerLogIn();
        browser.signIn(buyer.email(), buyer.password());
        browser.open("/portal/statements");
        browser.awaitText("tbody tr", billed.month());
        browser.click("a[href='/portal/statements/" + billed.statement.text("id") + "']");
        browser.awaitText("h1", billed.month());
        String row = browser.texts("tbody tr").stream()
                .filter(r -> r.contains(OutscaleStep.PRODUCT) && r.contains(Seed.REQUESTS))
                .collect(Collectors.joining("\n"));
        assertTrue(row.contains(quantity) && row.contains(billed.line.text("amount")), row);
        assertTrue(
                browser.text("dl.facts").contains(grouped(billed.statement.text("amount"))), browser.text("dl.facts"));
        signOut(browser);
    }

    private void operatorSees(Browser browser) {
        Seed.LogIn operator = market.seed().operatorLogIn();
        browser.signIn(operator.email(), operator.password());
        browser.open("/portal/change-sets");
        browser.awaitText("tbody tr", OutscaleStep.PRODUCT);
        assertTrue(browser.texts("tbody tr").stream().allMatch(r -> r.contains("Succeeded")), browser.text("tbody"));
        signOut(browser);
    }

    private static void signOut(Browser browser) {
        browser.click("#sign-out");
        browser.await("input[name='password']");
    }

    /** As people read it in English: 21,000. */
    private static String grouped(String number) {
        return NumberFormat.getNumberInstance(Locale.ENGLISH).format(new BigDecimal(number));
    }

    /** The story must not praise the jars of yesterday: `mvn test` alone does not make new ones. */
    private static void assertIsNewest(Path module) throws IOException {
        Path lib = module.resolve("target/app/lib");
        assertTrue(Files.isDirectory(lib), () -> "no " + lib + ": run the whole build, mvn verify");
        FileTime jar;
        try (Stream<Path> jars = Files.list(lib)) {
            String own = "tallystick-" + module.getFileName() + "-";
            jar = Files.getLastModifiedTime(
                    jars.filter(p -> p.getFileName().toString().startsWith(own))
                            .findFirst()
                            .orElseThrow());
        }
        try (Stream<Path> classes = Files.walk(module.resolve("target/classes"))) {
            for (Path p : classes.filter(Files::isRegularFile).toList()) {
                assertTrue(
                        Files.getLastModifiedTime(p).compareTo(jar) <= 0,
                        () -> p + " is newer than the jar in " + lib + ": run the whole build, mvn verify");
            }
        }
    }
}
