package io.tallystick.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import org.jspecify.annotations.Nullable;
import org.openqa.selenium.Alert;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.JavascriptExecutor;
import org.openqa.selenium.NoAlertPresentException;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/**
 * The system's Chromium with a profile of its own, and what a test of the portal wants from it. Needs {@code chromium} and
 * {@code chromedriver} on the PATH, so its tests are {@link NeedsTool}; and Selenium, which this module does not hand on:
 * it also serves programs that have no use for it. Elements are named by CSS selectors, pages by path and query.
 */
public final class Browser implements AutoCloseable {
    private static final Duration WAIT_MAX = Duration.ofMinutes(1);

    private final ChromeDriver driver;
    private final String base;

    /** Starts it for a site at {@code base}, without a slash at its end, in the language of that tag ({@code en}). */
    public Browser(String base, Path profile, String language) {
        this.base = base;
        ChromeOptions options = new ChromeOptions();
        options.setBinary(onPath("chromium").toFile());
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--force-color-profile=srgb",
                "--hide-scrollbars",
                "--lang=" + language,
                "--user-data-dir=" + profile);
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        options.setExperimentalOption("prefs", Map.of("intl.accept_languages", language));
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(onPath("chromedriver").toFile())
                .usingAnyFreePort()
                .build();
        driver = new ChromeDriver(service, options);
        size(1280, 900);
    }

    private static Path onPath(String program) {
        for (String folder : System.getenv("PATH").split(":", -1)) {
            Path file = Path.of(folder, program);
            if (Files.isExecutable(file)) {
                return file;
            }
        }
        throw new IllegalStateException(program + " is not on the PATH");
    }

    public void size(int width, int height) {
        driver.manage().window().setSize(new Dimension(width, height));
    }

    public void open(String path) {
        driver.get(base + path);
    }

    public void signIn(String email, String password) {
        open("/portal/sign-in");
        fillIn(email, password);
    }

    /** Signs in at the page where one is. */
    public void fillIn(String email, String password) {
        type("email", email);
        type("password", password);
        click("main form button");
        await("#sign-out");
    }

    public void type(String field, String text) {
        WebElement element = driver.findElement(By.name(field));
        element.clear();
        element.sendKeys(text);
    }

    /** Chooses in a select as a person does, so that the page hears of it. */
    public void choose(String field, String value) {
        driver.findElement(By.cssSelector("select[name='" + field + "'] option[value='" + value + "']"))
                .click();
    }

    public void click(String css) {
        driver.findElement(By.cssSelector(css)).click();
    }

    /** Says yes to the question the page asks, and answers what it was. */
    public String accept() {
        until(() -> alert().isPresent(), "a question");
        Alert alert = driver.switchTo().alert();
        String question = alert.getText();
        alert.accept();
        return question;
    }

    private Optional<String> alert() {
        try {
            return Optional.of(driver.switchTo().alert().getText());
        } catch (NoAlertPresentException e) {
            return Optional.empty();
        }
    }

    public WebElement await(String css) {
        until(() -> count(css) > 0, css);
        return driver.findElement(By.cssSelector(css));
    }

    public void awaitText(String css, String text) {
        until(
                () -> driver.findElements(By.cssSelector(css)).stream()
                        .anyMatch(e -> e.getText().contains(text)),
                css + " with " + text);
    }

    /** Asks again until it is so; each question is a round trip to the browser. */
    public void until(BooleanSupplier condition, String what) {
        long deadline = System.nanoTime() + WAIT_MAX.toNanos();
        while (System.nanoTime() < deadline) {
            try {
                if (condition.getAsBoolean()) {
                    return;
                }
            } catch (StaleElementReferenceException e) {
                // The page changed between two questions: ask the new one.
                continue;
            }
        }
        throw new AssertionError("never came: " + what + " at " + path() + "\n" + text("body"));
    }

    public String text(String css) {
        return driver.findElement(By.cssSelector(css)).getText();
    }

    /** Of every element this finds, in the page's order. */
    public List<String> texts(String css) {
        return driver.findElements(By.cssSelector(css)).stream()
                .map(WebElement::getText)
                .toList();
    }

    public int count(String css) {
        return driver.findElements(By.cssSelector(css)).size();
    }

    public String path() {
        return driver.getCurrentUrl().substring(base.length());
    }

    /** Runs it in the page; answers what it returns, as Selenium converts it, null included. */
    public @Nullable Object script(String javaScript, Object... arguments) {
        return ((JavascriptExecutor) driver).executeScript(javaScript, arguments);
    }

    /** The same with a callback as last argument, whose argument is the answer. */
    public @Nullable Object scriptLater(String javaScript, Object... arguments) {
        return ((JavascriptExecutor) driver).executeAsyncScript(javaScript, arguments);
    }

    /** Lets pages read the clipboard, as a person at the keyboard may. */
    public void allowClipboard() {
        driver.executeCdpCommand(
                "Browser.grantPermissions",
                Map.of("permissions", List.of("clipboardReadWrite", "clipboardSanitizedWrite")));
    }

    /** Everything the console said, script errors and policy violations among it, must be nothing. */
    public void assertQuiet() {
        assertEquals(
                List.of(),
                driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                        .map(Object::toString)
                        .toList());
    }

    public void forgetConsole() {
        driver.manage().logs().get(LogType.BROWSER);
    }

    /** The whole page, however long, as a PNG. */
    public void screenshot(Path file) {
        int height = number("return document.documentElement.scrollHeight");
        size(number("return window.innerWidth"), Math.min(height + 160, 4000));
        script("window.dispatchEvent(new Event('resize'))");
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, driver.getScreenshotAs(OutputType.BYTES));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private int number(String javaScript) {
        return script(javaScript) instanceof Number n ? n.intValue() : 0;
    }

    @Override
    public void close() {
        driver.quit();
    }
}
