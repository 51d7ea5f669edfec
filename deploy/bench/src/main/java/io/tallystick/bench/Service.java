package io.tallystick.bench;

import io.tallystick.common.json.Json;
import io.tallystick.testkit.EmbeddedDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A real aggregator process over a durable PostgreSQL, both in a folder of their own. */
final class Service implements AutoCloseable {
    private static final String DATABASE = "tallystick";
    private static final long START_SECONDS_MAX = 60;
    private static final long STOP_SECONDS_MAX = 30;
    private static final int WRAPPING_KEY_BYTES = 32;

    private final Path folder;
    private final EmbeddedDatabase database;
    private final int port;
    private final Process process;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private String token = "";

    private Service(Path folder, EmbeddedDatabase database, int port, Process process) {
        this.folder = folder;
        this.database = database;
        this.port = port;
        this.process = process;
    }

    /**
     * Starts both and waits until the service listens.
     *
     * @param trust must hold what evidence is signed with
     * @param settings more lines for its configuration
     */
    static Service start(Path root, Path folder, Path trust, String settings) throws IOException {
        EmbeddedDatabase database = EmbeddedDatabase.options()
                .dataFolder(folder.resolve("postgresql"))
                .start();
        try {
            database.createDatabase(DATABASE);
            int port = freePort();
            Path config = writeConfig(folder, trust, database, port, settings);
            Path log = folder.resolve("aggregator.log");
            Process process = new ProcessBuilder(launcher(root), "serve", "--config", config.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            Service service = new Service(folder, database, port, process);
            service.awaitReady(log);
            service.token = service.firstToken(root, config);
            return service;
        } catch (IOException | RuntimeException e) {
            database.close();
            throw e;
        }
    }

    private static Path writeConfig(Path folder, Path trust, EmbeddedDatabase database, int port, String settings)
            throws IOException {
        byte[] key = new byte[WRAPPING_KEY_BYTES];
        new SecureRandom().nextBytes(key);
        Files.writeString(folder.resolve("wrapping-key"), Base64.getEncoder().encodeToString(key));
        return Files.writeString(
                folder.resolve("aggregator.conf"),
                """
                listen.host = 127.0.0.1
                listen.port = %d
                public.url = http://127.0.0.1:%d
                database.url = %s
                database.migrate-on-start = true
                keys.wrapping-key.file = wrapping-key
                trust.dir = %s
                # All load comes from one address.
                limits.requests-per-address = off
                limits.requests-per-caller = off
                limits.requests-per-enrollment = off
                limits.enrollments-per-address = off
                """
                                .formatted(port, port, database.url(DATABASE), trust)
                        + settings);
    }

    private static String launcher(Path root) {
        return root.resolve("deploy/bin/tallystick-aggregator").toString();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void awaitReady(Path log) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS_MAX);
        while (!Files.readString(log).contains("listening on")) {
            if (!process.isAlive() || System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("the aggregator does not start: " + Files.readString(log));
            }
            pause();
        }
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private String firstToken(Path root, Path config) throws IOException {
        Process create = new ProcessBuilder(
                        launcher(root), "token", "create", "--role", "operator", "--config", config.toString())
                .redirectError(folder.resolve("token.log").toFile())
                .start();
        return new String(create.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + port);
    }

    int port() {
        return port;
    }

    String token() {
        return token;
    }

    /** Memory of the aggregator's process that is in use now, in MiB. */
    long residentMib() throws IOException {
        return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
                .filter(l -> l.startsWith("VmRSS:"))
                .map(l -> Long.parseLong(l.replaceAll("[^0-9]", "")) / 1024)
                .findFirst()
                .orElseThrow();
    }

    long pid() {
        return process.pid();
    }

    /** PostgreSQL's first process. */
    long databasePid() throws IOException {
        return Long.parseLong(Files.readAllLines(folder.resolve("postgresql").resolve("postmaster.pid"))
                .get(0)
                .strip());
    }

    String jdbcUrl() {
        return database.jdbcUrl(DATABASE);
    }

    /** Sends JSON as the operator; answers the object that came back. */
    Map<String, Object> call(String method, String path, Object json) {
        return Json.parseObject(send(HttpRequest.newBuilder(url().resolve(path))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofByteArray(Json.writeBytes(json)))
                .build()));
    }

    byte[] send(HttpRequest request) {
        try {
            HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            if (response.statusCode() >= 300) {
                throw new IllegalStateException(request.uri() + " answers " + response.statusCode() + " "
                        + new String(response.body(), StandardCharsets.UTF_8));
            }
            return response.body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
        database.close();
    }

    /** Both processes' settings that figures depend on. */
    static List<String> settings() {
        return List.of("fsync", "full_page_writes", "synchronous_commit", "shared_buffers", "server_version");
    }
}
