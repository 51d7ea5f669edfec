package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.common.model.Quantity;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real process, killed with SIGKILL: what it acknowledged arrives, once. */
class CrashTest {
    private static final int WRITERS = 8;
    private static final int CALLS = 60;
    private static final int KILLS = 3;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static Process spawn(Rig rig, SimulatedVm vm, Path state, AtomicReference<URI> address) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                "io.tallystick.agent.app.Main",
                "run"));
        for (String s : List.of(
                "sandbox=true",
                "aggregator.url=" + rig.aggregator.url(),
                "metadata.url=" + vm.metadata(),
                "state.dir=" + state,
                "listen.port=0")) {
            command.add("--set");
            command.add(s);
        }
        Process p = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        BufferedReader out = new BufferedReader(new InputStreamReader(p.getInputStream(), StandardCharsets.UTF_8));
        String line = out.readLine();
        assertTrue(line != null && line.startsWith("listening on "), "started: " + line);
        address.set(URI.create(line.substring("listening on ".length())));
        return p;
    }

    @Test
    void acknowledgedUsageSurvivesSigkillAndIsNeverDoubled() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            Path state = dir.resolve("state");
            AtomicReference<URI> address = new AtomicReference<>();
            Process process = spawn(rig, vm, state, address);
            HttpClient http = HttpClient.newBuilder()
                    .connectTimeout(Duration.ofSeconds(2))
                    .build();
            AtomicInteger done = new AtomicInteger();
            ExecutorService pool = Executors.newFixedThreadPool(WRITERS);
            try {
                List<Future<?>> writers = new ArrayList<>();
                for (int w = 0; w < WRITERS; w++) {
                    String writer = "w" + w;
                    writers.add(pool.submit(() -> {
                        for (int i = 0; i < CALLS; i++) {
                            String body = "{\"dimension\":\"requests\",\"quantity\":\"1\",\"idempotencyKey\":\""
                                    + writer + "-" + i + "\"}";
                            while (!accepted(http, Objects.requireNonNull(address.get()), body)) {
                                Thread.onSpinWait();
                            }
                            done.incrementAndGet();
                        }
                        return null;
                    }));
                }
                for (int k = 1; k <= KILLS; k++) {
                    int target = WRITERS * CALLS * k / (KILLS + 1);
                    Rig.until("progress", () -> done.get() >= target);
                    process.destroyForcibly().waitFor();
                    process = spawn(rig, vm, state, address);
                }
                for (Future<?> f : writers) {
                    f.get(60, TimeUnit.SECONDS);
                }
                // SIGTERM: an orderly stop cuts, sends and exits 0.
                Rig.until("a trusted enrollment", () -> rig.aggregator.batchCount() > 0);
                process.destroy();
                assertTrue(process.waitFor(20, TimeUnit.SECONDS));
                assertEquals(0, process.exitValue());
            } finally {
                pool.shutdownNow();
                process.destroyForcibly();
            }
            assertEquals(Quantity.of(WRITERS * CALLS), rig.aggregator.total("requests"), "lost or doubled");
        }
    }

    private static boolean accepted(HttpClient http, URI address, String body) throws InterruptedException {
        try {
            HttpResponse<Void> r = http.send(
                    HttpRequest.newBuilder(address.resolve("/v1/usage"))
                            .timeout(Duration.ofSeconds(10))
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString(body))
                            .build(),
                    HttpResponse.BodyHandlers.discarding());
            return r.statusCode() / 100 == 2;
        } catch (IOException e) {
            TimeUnit.MILLISECONDS.sleep(20);
            return false;
        }
    }

    @Test
    void anAcknowledgedWriteOnceRecordSurvivesSigkillAndIsSentOnce() throws Exception {
        try (Rig rig = new Rig(dir)) {
            AwsDoorTest.midHour(rig);
            rig.aggregator.flush(Duration.ofHours(1));
            SimulatedVm vm = rig.vm(Rig.CODE);
            AtomicReference<URI> address = new AtomicReference<>();
            Process process = spawn(rig, vm, dir.resolve("state"), address);
            HttpClient http = HttpClient.newHttpClient();
            try {
                List<String> ids = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    String body = "{\"ProductCode\":\"" + Rig.CODE + "\",\"UsageDimension\":\"requests\","
                            + "\"UsageQuantity\":3,\"Timestamp\":"
                            + rig.time.instant().minus(Duration.ofHours(1)).getEpochSecond() + "}";
                    Rig.until("an id", () -> {
                        HttpResponse<String> r = http.send(
                                HttpRequest.newBuilder(Objects.requireNonNull(address.get())
                                                .resolve("/"))
                                        .header("Content-Type", "application/x-amz-json-1.1")
                                        .header("X-Amz-Target", "AWSMPMeteringService.MeterUsage")
                                        .POST(HttpRequest.BodyPublishers.ofString(body))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString());
                        return r.statusCode() == 200 && ids.add(r.body());
                    });
                    process.destroyForcibly().waitFor();
                    process = spawn(rig, vm, dir.resolve("state"), address);
                }
                assertEquals(1, ids.stream().distinct().count());
                Rig.until("the record", () -> !rig.aggregator.slots().isEmpty());
                assertEquals(1, rig.aggregator.slots().size());
                assertEquals(Quantity.of(3), rig.aggregator.total("requests"));
            } finally {
                process.destroyForcibly();
            }
        }
    }
}
