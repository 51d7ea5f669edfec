package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.web.TlsPair;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The service's own TLS, with a real client. */
class TlsTest {
    private static final Path FOLDER = folder();
    private static final Path CHAIN = FOLDER.resolve("chain.pem");
    private static final Path KEY = FOLDER.resolve("key.pem");
    private static final TestCertificates AUTHORITY = new TestCertificates();
    private static final Duration WAIT_MAX = Duration.ofSeconds(30);
    private static final int WAIT_MS = (int) WAIT_MAX.toMillis();
    private static final Pattern LENGTH = Pattern.compile("(?i)content-length: (\\d+)");

    private static final TestCertificates.Server FIRST =
            install(AUTHORITY.server("first", Instant.now().plusSeconds(500_000)));

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(
            "public.url=https://127.0.0.1:8443", "tls.certificate-file=" + CHAIN, "tls.key-file=" + KEY);

    @TempDir
    Path scratch = Path.of("");

    private static Path folder() {
        try {
            return Files.createTempDirectory("tls");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TestCertificates.Server install(TestCertificates.Server server) {
        write(CHAIN, server.chainPem());
        write(KEY, server.keyPem());
        return server;
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static SSLSocket connect(String protocol) throws IOException, GeneralSecurityException {
        SSLSocket socket = (SSLSocket) AUTHORITY
                .trusting()
                .getSocketFactory()
                .createSocket("127.0.0.1", RUNNING.running().port());
        socket.setSoTimeout(WAIT_MS);
        socket.setEnabledProtocols(new String[] {protocol});
        var parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    private static SSLSocket connect() throws IOException, GeneralSecurityException {
        return connect("TLSv1.3");
    }

    /** One request on a connection that stays open; answers the body. */
    private static String get(Socket socket, String path) throws IOException {
        socket.getOutputStream()
                .write(("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int c = socket.getInputStream().read();
            assertTrue(c >= 0, () -> "closed after: " + head);
            head.append((char) c);
        }
        assertTrue(head.toString().startsWith("HTTP/1.1 200 "), head::toString);
        Matcher length = LENGTH.matcher(head);
        assertTrue(length.find(), head::toString);
        return new String(
                socket.getInputStream().readNBytes(Integer.parseInt(length.group(1))), StandardCharsets.UTF_8);
    }

    private static X509Certificate offered() {
        try (SSLSocket socket = connect()) {
            return (X509Certificate) socket.getSession().getPeerCertificates()[0];
        } catch (IOException | GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static double metric(String line) {
        try (SSLSocket socket = connect()) {
            return get(socket, "/metrics")
                    .lines()
                    .filter(l -> l.startsWith(line + " "))
                    .mapToDouble(l -> Double.parseDouble(l.substring(line.length() + 1)))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no metric " + line));
        } catch (IOException | GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    /** Lets the process's clock go on until its housekeeping, which looks each second, has seen what it should. */
    private static void until(BooleanSupplier seen) {
        long end = System.nanoTime() + WAIT_MAX.toNanos();
        while (!seen.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, "nothing happened in " + WAIT_MAX);
            RUNNING.clock().advance(TlsFiles.LOOK_EVERY);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
    }

    @Test
    void aChangedCertificateIsTakenUpAndOpenConnectionsGoOn() throws Exception {
        TestCertificates.Server before =
                install(AUTHORITY.server("before", Instant.now().plusSeconds(400_000)));
        until(() -> offered().equals(before.certificate()));
        try (SSLSocket open = connect()) {
            assertTrue(get(open, "/healthz").contains("up"));
            double taken = metric("tallystick_tls_reloads_total{outcome=\"taken\"}");
            TestCertificates.Server after =
                    install(AUTHORITY.server("after", Instant.now().plusSeconds(450_000)));
            until(() -> offered().equals(after.certificate()));
            assertTrue(get(open, "/healthz").contains("up"));
            assertEquals(before.certificate(), open.getSession().getPeerCertificates()[0]);
            assertEquals(taken + 1, metric("tallystick_tls_reloads_total{outcome=\"taken\"}"));
            assertEquals(after.certificate().getNotAfter().toInstant().getEpochSecond(), (long)
                    metric("tallystick_tls_certificate_expiry_seconds"));
        }
    }

    @Test
    void aBrokenPairLeavesTheOneBeforeInPlaceAndIsCountedOnce() {
        TestCertificates.Server good =
                install(AUTHORITY.server("good", Instant.now().plusSeconds(400_000)));
        until(() -> offered().equals(good.certificate()));
        double refused = metric("tallystick_tls_reloads_total{outcome=\"refused\"}");
        // The key of the certificate before: what a renewal looks like that stopped half-way.
        write(
                CHAIN,
                AUTHORITY.server("half", Instant.now().plusSeconds(300_000)).chainPem());
        until(() -> metric("tallystick_tls_reloads_total{outcome=\"refused\"}") == refused + 1);
        assertEquals(good.certificate(), offered());
        TestCertificates.Server mended =
                install(AUTHORITY.server("mended", Instant.now().plusSeconds(300_000)));
        until(() -> offered().equals(mended.certificate()));
        assertEquals(refused + 1, metric("tallystick_tls_reloads_total{outcome=\"refused\"}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void bothVersionsOfTodayAreSpoken(String protocol) throws Exception {
        try (SSLSocket socket = connect(protocol)) {
            assertEquals(protocol, socket.getSession().getProtocol());
            assertTrue(get(socket, "/healthz").contains("up"));
        }
    }

    /** Keys as {@code openssl genrsa -traditional} and {@code openssl ecparam -genkey} write them. */
    @ParameterizedTest
    @ValueSource(strings = {"RSA", "EC"})
    void keysInTheirOlderFormsAreRead(String algorithm) throws Exception {
        TestCertificates.Server server = AUTHORITY.serverWithOldKey(algorithm);
        assertEquals(
                server.certificate().getNotAfter().toInstant(),
                TlsPair.parse(server.chainPem(), server.keyPem()).notAfter());
    }

    @Test
    void plainHttpGetsNoAnswer() throws IOException {
        try (Socket socket = new Socket("127.0.0.1", RUNNING.running().port())) {
            socket.setSoTimeout(WAIT_MS);
            socket.getOutputStream()
                    .write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            byte[] answer = socket.getInputStream().readAllBytes();
            assertTrue(!new String(answer, StandardCharsets.ISO_8859_1).startsWith("HTTP/"));
        } catch (java.net.SocketException e) {
            // Reset: as good as closed.
            assertTrue(e.getMessage() != null);
        }
    }

    @Test
    void aClientThatDoesNotTrustTheAuthorityIsNotServed() {
        assertThrows(SSLException.class, () -> {
            try (SSLSocket socket = (SSLSocket) SSLContext.getDefault()
                    .getSocketFactory()
                    .createSocket("127.0.0.1", RUNNING.running().port())) {
                socket.startHandshake();
            }
        });
    }

    private String refusal(String certificates, String key) {
        Path chain = scratch.resolve("c.pem");
        Path keyFile = scratch.resolve("k.pem");
        write(chain, certificates);
        write(keyFile, key);
        return refusal(chain, keyFile);
    }

    private static String refusal(Path chain, Path key) {
        // Before anything else is started or asked: there is no database behind this address.
        Config config = RunningAggregator.config(
                "postgresql://u@127.0.0.1:1/d",
                List.of("public.url=https://127.0.0.1", "tls.certificate-file=" + chain, "tls.key-file=" + key));
        return assertThrows(Failure.class, () -> Aggregator.start(config)).detail();
    }

    @Test
    void aPairThatCannotServeIsRefusedAtTheStartWithItsReason() {
        TestCertificates.Server other = AUTHORITY.server("other", Instant.now().plusSeconds(1000));
        String authority = TestCertificates.pem(AUTHORITY.certificate());
        assertEquals(
                "tls.key-file: the key file does not hold the key of the first certificate",
                refusal(FIRST.chainPem(), other.keyPem()));
        assertEquals(
                "tls.certificate-file: the certificate file must hold 1 to 10 certificates in PEM, has 0",
                refusal(FIRST.keyPem(), FIRST.keyPem()));
        assertEquals(
                "tls.key-file: the key file holds no private key in PEM", refusal(FIRST.chainPem(), "not PEM at all"));
        assertEquals(
                "tls.key-file: the key file holds no unencrypted private key",
                refusal(FIRST.chainPem(), FIRST.chainPem()));
        assertEquals(
                "tls.certificate-file: the certificate file has its chain out of order: certificate 1 is not signed by"
                        + " certificate 2",
                refusal(authority + TestCertificates.pem(FIRST.certificate()), FIRST.keyPem()));
        String unreadable = refusal(scratch.resolve("none.pem"), scratch.resolve("none.key"));
        assertTrue(
                unreadable.startsWith(
                        "tls.certificate-file: the certificate file cannot be read (NoSuchFileException): "),
                unreadable);
    }
}
