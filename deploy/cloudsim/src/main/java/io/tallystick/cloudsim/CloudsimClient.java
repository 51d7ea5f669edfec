package io.tallystick.cloudsim;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Speaks to the {@link ControlApi} of a simulation in another process. A refusal is thrown as the {@link Failure} the
 * simulation told; an unreachable simulation is an {@link UncheckedIOException}. Thread-safe; calls block.
 */
public final class CloudsimClient {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    /** Generous, because a clone copies a disk. */
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private static final int ADDRESS_CHARS_MAX = 256;

    private final URI control;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .proxy(HttpClient.Builder.NO_PROXY)
            .connectTimeout(CONNECT_TIMEOUT)
            .build();

    /** {@code control} is the control address without a path, for example {@code http://127.0.0.1:4100}. */
    public CloudsimClient(URI control) {
        this.control = control;
    }

    /** Reads the address that {@code cloudsim serve} wrote into its folder. */
    public static CloudsimClient ofFolder(Path folder) {
        Path file = folder.resolve(CloudsimMain.ADDRESS_FILE);
        try {
            Fields f = Fields.parse(Files.readAllBytes(file));
            URI control = f.parsed("control", URI::create, URI.create("http://127.0.0.1"));
            f.string("trust", ADDRESS_CHARS_MAX * 16);
            f.number("pid", 0, Long.MAX_VALUE);
            f.done();
            return new CloudsimClient(control);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read; is the simulation running?", e);
        }
    }

    public List<VmInfo> vms() {
        return read(call("GET", "/vms", null), f -> f.objects("vms", SimulatedClouds.VMS_MAX).stream()
                .map(VmInfo::read)
                .toList());
    }

    public VmInfo vm(String instanceId) {
        return read(call("GET", "/vms/" + instanceId, null), VmInfo::read);
    }

    public VmInfo launch(VmSpec spec) {
        return read(call("POST", "/vms", spec.json()), VmInfo::read);
    }

    public VmInfo start(String instanceId) {
        return action(instanceId, "start");
    }

    public VmInfo stop(String instanceId) {
        return action(instanceId, "stop");
    }

    public VmInfo reboot(String instanceId) {
        return action(instanceId, "reboot");
    }

    public VmInfo terminate(String instanceId) {
        return action(instanceId, "terminate");
    }

    /** See {@link SimulatedClouds#clone(SimulatedVm)}. */
    public VmInfo clone(String instanceId) {
        return action(instanceId, "clone");
    }

    /** See {@link SimulatedClouds#image(SimulatedVm)}. */
    public VmImage image(String instanceId) {
        return read(call("POST", "/vms/" + instanceId + "/image", null), VmImage::read);
    }

    public List<VmImage> images() {
        return read(call("GET", "/images", null), f -> f.objects("images", Images.IMAGES_MAX).stream()
                .map(VmImage::read)
                .toList());
    }

    /** As {@link #image(String)}, with a name for it. */
    public VmImage image(String instanceId, String name) {
        return read(call("POST", "/vms/" + instanceId + "/image", Json.object("name", name)), VmImage::read);
    }

    public VmImage imageOf(String imageId) {
        return read(call("GET", "/images/" + imageId, null), VmImage::read);
    }

    /** See {@link SimulatedClouds#register}. */
    public VmImage register(ImageSpec spec) {
        return read(call("POST", "/images", spec.json()), VmImage::read);
    }

    /** See {@link SimulatedClouds#share}. */
    public VmImage share(String imageId, Set<String> accounts) {
        return read(
                call("POST", "/images/" + imageId + "/share", Json.object("accounts", List.copyOf(accounts))),
                VmImage::read);
    }

    /** See {@link SimulatedClouds#key(Cloud, String, boolean)}. */
    public AccessKey key(Cloud cloud, String accountId, boolean readOnly) {
        return read(
                call(
                        "POST",
                        "/access-keys",
                        Json.object("cloud", cloud.wire(), "accountId", accountId, "readOnly", readOnly)),
                AccessKey::read);
    }

    /** See {@link SimulatedClouds#copyTime}. */
    public void copyTime(Duration takes) {
        call("PUT", "/image-copies", Json.object("takes", takes));
    }

    /** Replaces the faults of the clouds' APIs; an empty list makes them well again. */
    public void apiFaults(List<ApiFault> faults) {
        call(
                "PUT",
                "/api-faults",
                Json.object("faults", faults.stream().map(ApiFault::json).toList()));
    }

    /** Replaces the VM's faults; an empty list makes its metadata service well again. */
    public void faults(String instanceId, List<Fault> faults) {
        call(
                "PUT",
                "/vms/" + instanceId + "/faults",
                Json.object("faults", faults.stream().map(Fault::json).toList()));
    }

    public VmInfo metadataOptions(String instanceId, VmInfo.MetadataOptions options) {
        return read(call("PUT", "/vms/" + instanceId + "/metadata-options", VmInfo.optionsJson(options)), VmInfo::read);
    }

    /** See {@link SimulatedVm#tag}. */
    public VmInfo tag(String instanceId, Map<String, String> tags) {
        return read(call("POST", "/vms/" + instanceId + "/tags", Json.object("tags", tags)), VmInfo::read);
    }

    private VmInfo action(String instanceId, String action) {
        return read(call("POST", "/vms/" + instanceId + "/" + action, null), VmInfo::read);
    }

    private interface Reader<T> {
        T read(Fields f);
    }

    private static <T> T read(Fields f, Reader<T> reader) {
        T value = reader.read(f);
        f.done();
        return value;
    }

    private Fields call(String method, String path, @Nullable Map<String, Object> body) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(control.resolve(path)).timeout(TIMEOUT);
        if (body == null) {
            request.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            request.header("Content-Type", "application/json")
                    .method(method, HttpRequest.BodyPublishers.ofByteArray(Json.writeBytes(body)));
        }
        try {
            HttpResponse<byte[]> response = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            if (response.statusCode() >= 400) {
                throw failure(response.body());
            }
            return Fields.parse(response.body());
        } catch (IOException e) {
            throw new UncheckedIOException("no answer from " + control, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while asking " + control, e);
        }
    }

    private static Failure failure(byte[] problem) {
        Fields f = Fields.parse(problem);
        ErrorCode code = ErrorCode.ofWire(f.string("code", ADDRESS_CHARS_MAX)).orElse(ErrorCode.INTERNAL);
        List<Failure.Problem> problems = f.optionalObjects("errors", Integer.MAX_VALUE).stream()
                .map(e -> new Failure.Problem(
                        e.optionalString("path", Integer.MAX_VALUE).orElse(""), e.string("detail", Integer.MAX_VALUE)))
                .toList();
        return problems.isEmpty()
                ? Failure.of(code, f.string("detail", Integer.MAX_VALUE))
                : Failure.of(code, problems);
    }
}
