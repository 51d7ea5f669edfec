package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.config.ConfigReader;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigTest {
    @TempDir
    Path folder = Path.of("");

    private static List<String> problems(String... settings) {
        ConfigReader reader =
                ConfigFile.empty().with(List.of(settings), Path.of("/")).reader();
        Config.read(reader);
        return assertThrows(Failure.class, reader::done).problems().stream()
                .map(Failure.Problem::toString)
                .toList();
    }

    @Test
    void anEmptyConfigurationNamesAllThatIsNeeded() {
        assertEquals(
                List.of("public.url: is missing", "database.url: is missing", "keys.wrapping-key.file: is missing"),
                problems());
    }

    @Test
    void manyMistakesAreToldTogether() throws IOException {
        Path key = Files.writeString(folder.resolve("key"), "c2hvcnQ=");
        assertEquals(
                List.of(
                        "listen.port: must be a whole number from 0 to 65535, is -1",
                        "database.url: must start with postgresql://",
                        "database.pool-size: must be a whole number from 2 to 500, is 1",
                        "keys.wrapping-key.file: must hold 32 bytes in base64",
                        "public.url: must be https, http is for loopback only",
                        "public.url: must not end with /",
                        "sandbox.clock-file: is only for a sandbox: needs sandbox = true and a public.url on loopback",
                        "trust.dir: must be a folder",
                        "no.such: is not a known key"),
                problems(
                        "listen.port=-1",
                        "database.url=mysql://u:secret@h/d",
                        "database.pool-size=1",
                        "keys.wrapping-key.file=" + key,
                        "public.url=http://example.com/",
                        "sandbox.clock-file=clock",
                        "trust.dir=/no/such/folder",
                        "no.such=1"));
    }

    @ParameterizedTest
    @CsvSource({
        "https://example.com, true",
        "https://example.com:8443/metering, true",
        "http://127.0.0.1:8080, true",
        "http://localhost:8080, true",
        "http://[::1]:8080, true",
        "http://127.0.0.1.example.com, false",
        "http://10.0.0.1, false",
        "ftp://127.0.0.1, false",
        "https://user@example.com, false",
        "https://example.com?x=1, false",
        "https://Example.com, false",
    })
    void thePublicUrlIsHttpsUnlessLoopback(String url, boolean accepted) {
        assertEquals(
                accepted,
                problems("public.url=" + url).stream().noneMatch(p -> p.startsWith("public.url")),
                () -> problems("public.url=" + url).toString());
    }

    @Test
    void tlsNeedsBothFilesAndAnHttpsUrl() {
        assertTrue(problems("tls.certificate-file=c")
                .contains("tls.key-file: is missing: TLS needs a certificate and its key"));
        assertTrue(problems("tls.key-file=k")
                .contains("tls.certificate-file: is missing: TLS needs a certificate and its key"));
        assertTrue(problems("tls.certificate-file=c", "tls.key-file=k", "public.url=http://127.0.0.1:1")
                .contains("public.url: must be https, as tls.certificate-file is set"));
    }

    @Test
    void trustedProxiesAreAddressesAndNetworks() {
        assertEquals(
                List.of(),
                problems("listen.proxies=10.0.0.0/8, ::1", "listen.proxies-header=forwarded").stream()
                        .filter(p -> p.startsWith("listen."))
                        .toList());
        assertTrue(problems("listen.proxies=proxy.example.com")
                .contains("listen.proxies: must be addresses or networks such as 10.0.0.0/8, separated by commas:"
                        + " proxy.example.com"));
        assertTrue(problems("listen.proxies-header=X-Real-IP")
                .contains("listen.proxies-header: must be X-Forwarded-For or Forwarded"));
    }

    @ParameterizedTest
    @CsvSource({
        "true, http://127.0.0.1:1, true",
        "true, https://example.com, false",
        "false, http://127.0.0.1:1, false",
    })
    void theClockFileIsForASandboxOnLoopbackOnly(boolean sandbox, String url, boolean accepted) {
        List<String> problems = problems("sandbox=" + sandbox, "public.url=" + url, "sandbox.clock-file=c");
        assertEquals(accepted, problems.stream().noneMatch(p -> p.startsWith("sandbox.clock-file")));
    }

    @ParameterizedTest
    @CsvSource({
        "postgresql://u@h/d, true",
        "postgres://u:p@h:5433/d?sslmode=verify-full, true",
        "postgresql://h/d, false",
        "postgresql://u@h, false",
        "postgresql://u@h:port/d, false",
        "postgresql://u@h/d?sslmode=maybe, false",
    })
    void theDatabaseUrlNamesUserHostAndDatabase(String url, boolean accepted) {
        List<String> problems = problems("database.url=" + url);
        assertEquals(accepted, problems.stream().noneMatch(p -> p.startsWith("database.url")), problems::toString);
    }

    @Test
    void aPasswordIsNeverPartOfAProblem() {
        assertTrue(problems("database.url=postgresql://u:hunter2@h:port/d").stream()
                .noneMatch(p -> p.contains("hunter2")));
    }

    @Test
    void anImageCloudNeedsItsAccountAndAKeyOfTwoLines() throws IOException {
        Path key = Files.writeString(folder.resolve("cloud-key"), "AKIA0123456789ABCDEF\nhunter2\n");
        List<String> problems = problems(
                "images.aws.account=12",
                "images.aws.key-file=" + key,
                "images.aws.endpoint=http://example.com",
                "images.outscale.account=123456789012",
                "images.outscale.endpoint=https://api.{region}.example.com/api/v1");
        assertEquals(
                List.of(
                        "images.aws.endpoint: must be https, http is for loopback only",
                        "images.aws.account: must be 12 digits",
                        "images.aws.key-file: the secret key must be 16 to 256 characters without spaces",
                        "images.outscale.endpoint: must be a URL without a path, such as"
                                + " https://api.{region}.example.com",
                        "images.outscale.key-file: is missing: an image cloud needs the account and its key"),
                problems.stream().filter(p -> p.startsWith("images.")).toList());
        assertTrue(problems.stream().noneMatch(p -> p.contains("hunter2")));
    }

    @Test
    void anImageCloudIsThereOnlyIfItIsConfigured() throws IOException {
        Path key = Files.writeString(folder.resolve("cloud-key"), "AKIA0123456789ABCDEF\n" + "s".repeat(40) + "\n");
        ConfigReader reader = ConfigFile.empty()
                .with(
                        List.of(
                                "images.aws.account=123456789012",
                                "images.aws.key-file=" + key,
                                "images.outscale.endpoint=https://api.{region}.example.com"),
                        Path.of("/"))
                .reader();
        ImagesConfig images = ImagesConfig.read(reader);
        reader.done();
        assertEquals(
                "123456789012", images.clouds().get("aws").own().orElseThrow().account());
        assertTrue(images.clouds().get("outscale").own().isEmpty());
    }

    @Test
    void theFullFileParsesAndMentionsEveryKey() throws IOException {
        Path file = Path.of(System.getProperty("tallystick.root"), "deploy", "aggregator-full.conf");
        ConfigReader reader = ConfigFile.read(file)
                .with(
                        List.of("keys.wrapping-key.file=" + RunningAggregator.wrappingKey()),
                        Path.of("").toAbsolutePath())
                .reader();
        Config.read(reader);
        reader.done();
        TreeSet<String> mentioned = Files.readString(file)
                .lines()
                .filter(l -> !l.startsWith("#") && l.contains("="))
                .map(l -> l.substring(0, l.indexOf('=')).strip())
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(new TreeSet<>(reader.keys()), mentioned);
    }

    @Test
    void defaultsInTheFullFileAreTheProgramsDefaults() throws IOException {
        Path file = Path.of(System.getProperty("tallystick.root"), "deploy", "aggregator-full.conf");
        ConfigReader full = ConfigFile.read(file).reader();
        Config.read(full);
        ConfigReader bare = ConfigFile.empty()
                .with(
                        List.of(
                                "public.url=https://metering.example.com",
                                "database.url=postgresql://tallystick@127.0.0.1:5432/tallystick",
                                "keys.wrapping-key.file=wrapping-key"),
                        folder)
                .reader();
        Config.read(bare);
        assertEquals(bare.effective(), full.effective());
    }
}
