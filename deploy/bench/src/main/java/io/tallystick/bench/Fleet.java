package io.tallystick.bench;

import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.CloudCa;
import io.tallystick.cloudsim.VmIdentity;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A product, a buyer, and VMs that are entitled to it, in a service made for one bench. */
final class Fleet {
    static final String REGION = "us-east-1";
    static final String CLOUD_ACCOUNT = "111122223333";
    private static final int SEED_BYTES = 32;
    /** An enrollment mostly waits for its commit. */
    private static final int ENROLLING_AT_ONCE = 8;

    private final Service service;
    private final CloudCa ca;
    private final Clock clock;

    Fleet(Service service, CloudCa ca, Clock clock) {
        this.service = service;
        this.ca = ca;
        this.clock = clock;
    }

    /** A bench that needs a service, and what signs the evidence it trusts. */
    @FunctionalInterface
    interface Bench {
        void run(Service service, CloudCa ca) throws Exception;
    }

    /** Runs with a new service in a temporary folder, which is deleted. */
    static void withService(Path root, Clock clock, Bench bench) throws Exception {
        withService(root, clock, "", bench);
    }

    /** @param settings more lines for the service's configuration */
    static void withService(Path root, Clock clock, String settings, Bench bench) throws Exception {
        Path folder = Files.createTempDirectory("tallystick-bench-");
        try (AutoCloseable cleaned = () -> delete(folder)) {
            CloudCa ca = CloudCa.open(folder.resolve("ca"), clock);
            Path trust = Files.createDirectory(folder.resolve("trust"));
            ca.writeTrust(trust, REGION);
            try (Service service = Service.start(root, folder, trust, settings)) {
                bench.run(service, ca);
            }
        }
    }

    /** Keys of so many dimensions. */
    static List<String> dimensions(int count) {
        return IntStream.range(0, count).mapToObj(i -> "dimension-" + i).toList();
    }

    /** Makes a product with these dimensions, and so many enrolled VMs of one buyer. */
    List<Sender> enroll(int vms, List<String> dimensions) {
        return enroll(vms, product(service, dimensions));
    }

    /** Makes a product with these dimensions that the account has subscribed to; answers its code. */
    static String product(Service service, List<String> dimensions) {
        String seller =
                text(service.call("POST", "/v1/accounts", Json.object("kind", "seller", "name", "Bench")), "id");
        String buyer = text(
                service.call(
                        "POST",
                        "/v1/accounts",
                        Json.object(
                                "kind",
                                "buyer",
                                "name",
                                "Bench",
                                "cloudAccounts",
                                List.of(Json.object("cloud", "aws", "accountId", CLOUD_ACCOUNT)))),
                "id");
        List<Object> list = new ArrayList<>();
        dimensions.forEach(d -> list.add(Json.object("key", d, "unit", "unit")));
        Map<String, Object> product = service.call(
                "POST", "/v1/products", Json.object("title", "Bench", "seller", seller, "dimensions", list));
        String id = text(product, "id");
        service.call("PUT", "/v1/products/" + id + "/visibility", Json.object("visibility", "LIMITED"));
        service.call("PUT", "/v1/products/" + id + "/visibility", Json.object("visibility", "PUBLIC"));
        service.call("POST", "/v1/agreements", Json.object("product", id, "account", buyer));
        return text(product, "productCode");
    }

    private List<Sender> enroll(int vms, String code) {
        SecureRandom random = new SecureRandom();
        Instant pending = clock.instant().truncatedTo(ChronoUnit.SECONDS);
        ExecutorService threads = Executors.newFixedThreadPool(ENROLLING_AT_ONCE);
        try {
            List<Future<Sender>> enrolling = new ArrayList<>();
            for (int i = 0; i < vms; i++) {
                byte[] seed = new byte[SEED_BYTES];
                random.nextBytes(seed);
                VmIdentity vm = vm(i + 1, code, pending);
                enrolling.add(threads.submit(() -> Sender.enroll(service, ca, clock, vm, seed)));
            }
            List<Sender> senders = new ArrayList<>();
            for (Future<Sender> sender : enrolling) {
                senders.add(sender.get());
            }
            return senders;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } finally {
            threads.shutdownNow();
        }
    }

    private static VmIdentity vm(int number, String code, Instant pending) {
        return new VmIdentity(
                Cloud.AWS,
                CLOUD_ACCOUNT,
                REGION,
                REGION + "a",
                String.format(Locale.ROOT, "i-%017x", number),
                "m5.large",
                "ami-00000000000000001",
                "x86_64",
                List.of(code),
                List.of(),
                pending,
                "10.0.0.1",
                "02:00:00:00:00:01",
                "r-00000000000000001");
    }

    private static String text(Map<String, Object> json, String name) {
        return String.valueOf(json.get(name));
    }

    static void delete(Path folder) throws IOException {
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path p : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(p);
            }
        }
    }
}
