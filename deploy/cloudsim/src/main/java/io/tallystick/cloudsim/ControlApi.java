package io.tallystick.cloudsim;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The control API of a simulation: JSON over HTTP on its own loopback port, without authentication, for the tests and
 * the sandbox of one machine. The clouds' own APIs answer at the same address, and ask for signatures: EC2's at {@code /},
 * OUTSCALE's under {@code /api/v1/}. Requests by a browser (they carry {@code Origin}) are refused. Errors are RFC 9457 problem
 * documents; each of their {@code errors} names the field and the rule.
 */
public final class ControlApi implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(ControlApi.class.getName());
    static final int BODY_BYTES_MAX = 256 * 1024;
    private static final String JSON = "application/json";

    /** A successful answer. */
    private record Answer(int status, Map<String, Object> body) {}

    private final SimulatedClouds clouds;
    private final Ec2Api ec2;
    private final OutscaleApi outscale;
    private final Http http;

    /** Binds 127.0.0.1 at once; port 0 takes a free one. Closing this leaves the simulation open. */
    public ControlApi(SimulatedClouds clouds, int port) throws IOException {
        this.clouds = clouds;
        this.ec2 = new Ec2Api(clouds);
        this.outscale = new OutscaleApi(clouds);
        this.http = new Http("control", port, this::handle);
    }

    public int port() {
        return http.port();
    }

    @Override
    public void close() {
        http.close();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try {
            String path = exchange.getRequestURI().getPath();
            if (path.equals("/") && exchange.getRequestMethod().equals("POST")) {
                ec2.handle(exchange, bytes(exchange));
                return;
            }
            if (path.startsWith(OutscaleApi.PREFIX)) {
                outscale.handle(exchange, bytes(exchange));
                return;
            }
            Answer answer = route(exchange);
            Http.send(exchange, answer.status(), JSON, Json.writeBytes(answer.body()));
        } catch (Failure e) {
            refuse(exchange, e);
        } catch (RuntimeException e) {
            LOG.log(Level.SEVERE, exchange.getRequestMethod() + " " + exchange.getRequestURI(), e);
            refuse(exchange, Failure.of(ErrorCode.INTERNAL, "see the log of the simulation"));
        }
    }

    private Answer route(HttpExchange exchange) throws IOException {
        if (exchange.getRequestHeaders().containsKey("Origin")) {
            throw Failure.of(ErrorCode.FORBIDDEN, "Origin: requests by a browser are refused");
        }
        Fields body = body(exchange);
        String[] path = exchange.getRequestURI().getRawPath().split("/", -1);
        return switch (path.length) {
            case 2 -> top(exchange, path[1], body);
            case 3 -> one(exchange, path[1], path[2], body);
            case 4 ->
                switch (path[1]) {
                    case "vms" -> vmAction(exchange, vm(path[2]), path[3], body);
                    case "images" -> imageAction(exchange, path[2], path[3], body);
                    default -> notFound();
                };
            default -> notFound();
        };
    }

    private Answer top(HttpExchange exchange, String what, Fields body) {
        switch (what) {
            case "healthz" -> {
                allow(exchange, "GET");
                body.done();
                return new Answer(200, Json.object("status", "ok"));
            }
            case "vms" -> {
                if (allow(exchange, "GET", "POST").equals("POST")) {
                    VmSpec spec = VmSpec.read(body);
                    spec.problems().forEach(p -> body.problem(p.path(), p.detail()));
                    body.done();
                    return new Answer(201, clouds.launch(spec).info().json());
                }
                body.done();
                return new Answer(
                        200,
                        Json.object(
                                "vms",
                                clouds.vms().stream()
                                        .map(vm -> vm.info().json())
                                        .toList()));
            }
            case "images" -> {
                if (allow(exchange, "GET", "POST").equals("POST")) {
                    ImageSpec spec = ImageSpec.read(body);
                    body.done();
                    return new Answer(201, clouds.register(spec).json(clouds.now()));
                }
                body.done();
                return new Answer(
                        200,
                        Json.object(
                                "images",
                                clouds.images().stream()
                                        .map(i -> i.json(clouds.now()))
                                        .toList()));
            }
            case "access-keys" -> {
                allow(exchange, "POST");
                Cloud cloud = body.parsed("cloud", Cloud::ofWire, Cloud.AWS);
                String account = body.string("accountId", VmInfo.TEXT_CHARS_MAX);
                boolean readOnly = body.optionalBool("readOnly").orElse(false);
                body.done();
                return new Answer(201, clouds.key(cloud, account, readOnly).json());
            }
            case "image-copies" -> {
                allow(exchange, "PUT");
                Duration takes = body.duration("takes");
                body.done();
                clouds.copyTime(takes);
                return new Answer(200, Json.object("takes", takes));
            }
            case "api-faults" -> {
                if (allow(exchange, "GET", "PUT").equals("PUT")) {
                    List<ApiFault> faults = ApiFault.readAll(body);
                    body.done();
                    clouds.inject(faults);
                }
                body.done();
                return new Answer(
                        200,
                        Json.object(
                                "faults",
                                clouds.apiFaults().stream().map(ApiFault::json).toList()));
            }
            default -> {
                return notFound();
            }
        }
    }

    private static String imageName(String name) {
        if (!name.matches(ImageSpec.NAME)) {
            throw new IllegalArgumentException("must be 3 to 128 letters, digits, spaces and _()/.-");
        }
        return name;
    }

    private Answer imageAction(HttpExchange exchange, String id, String action, Fields body) {
        if (!action.equals("share")) {
            return notFound();
        }
        allow(exchange, "POST");
        List<String> accounts = body.optionalStrings("accounts", VmImage.SHARES_MAX, VmInfo.TEXT_CHARS_MAX);
        body.done();
        return new Answer(200, clouds.share(id, Set.copyOf(accounts)).json(clouds.now()));
    }

    private Answer one(HttpExchange exchange, String what, String id, Fields body) {
        if (what.equals("vms")) {
            SimulatedVm vm = vm(id);
            allow(exchange, "GET");
            body.done();
            return new Answer(200, vm.info().json());
        }
        if (what.equals("images")) {
            VmImage image = clouds.images().stream()
                    .filter(i -> i.imageId().equals(id))
                    .findFirst()
                    .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no image " + id));
            allow(exchange, "GET");
            body.done();
            return new Answer(200, image.json(clouds.now()));
        }
        return notFound();
    }

    private Answer vmAction(HttpExchange exchange, SimulatedVm vm, String action, Fields body) {
        switch (action) {
            case "faults" -> {
                if (allow(exchange, "GET", "PUT").equals("PUT")) {
                    List<Fault> faults = Fault.readAll(body);
                    body.done();
                    vm.inject(faults);
                }
                body.done();
                return new Answer(
                        200,
                        Json.object(
                                "faults", vm.faults().stream().map(Fault::json).toList()));
            }
            case "metadata-options" -> {
                allow(exchange, "PUT");
                VmInfo.MetadataOptions options =
                        VmInfo.readOptions(body, vm.info().options());
                body.done();
                vm.metadataOptions(options);
                return new Answer(200, vm.info().json());
            }
            case "tags" -> {
                allow(exchange, "POST");
                Map<String, String> tags =
                        body.optionalStringMap("tags", VmInfo.TAGS_MAX, VmInfo.TEXT_CHARS_MAX, VmInfo.TEXT_CHARS_MAX);
                body.done();
                vm.tag(tags);
                return new Answer(200, vm.info().json());
            }
            case "start", "stop", "reboot", "terminate" -> {
                allow(exchange, "POST");
                body.done();
                switch (action) {
                    case "start" -> vm.start();
                    case "stop" -> vm.stop();
                    case "reboot" -> vm.reboot();
                    default -> vm.terminate();
                }
                return new Answer(200, vm.info().json());
            }
            case "image" -> {
                allow(exchange, "POST");
                String name = body.optionalParsed("name", ControlApi::imageName).orElse("");
                body.done();
                return new Answer(201, clouds.image(vm, name).json(clouds.now()));
            }
            case "clone" -> {
                allow(exchange, "POST");
                body.done();
                return new Answer(201, clouds.clone(vm).info().json());
            }
            default -> {
                return notFound();
            }
        }
    }

    private SimulatedVm vm(String id) {
        return clouds.vm(id).orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no VM " + id));
    }

    private static Answer notFound() {
        throw Failure.of(ErrorCode.NOT_FOUND, "there is no such path");
    }

    /** The method, if it is one of these. */
    private static String allow(HttpExchange exchange, String... methods) {
        String method = exchange.getRequestMethod();
        if (!List.of(methods).contains(method)) {
            String allowed = String.join(", ", methods);
            exchange.getResponseHeaders().set("Allow", allowed);
            throw Failure.of(ErrorCode.METHOD_NOT_ALLOWED, "the method must be " + allowed + ", is " + method);
        }
        return method;
    }

    /** An absent body counts as an object without members. */
    private static Fields body(HttpExchange exchange) throws IOException {
        byte[] bytes = bytes(exchange);
        if (bytes.length == 0) {
            return Fields.of(Map.of());
        }
        Headers headers = exchange.getRequestHeaders();
        @Nullable String type = headers.getFirst("Content-Type");
        if (type == null || !type.split(";", 2)[0].strip().equalsIgnoreCase(JSON)) {
            throw Failure.of(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Content-Type: must be " + JSON);
        }
        return Fields.parse(bytes);
    }

    private static byte[] bytes(HttpExchange exchange) throws IOException {
        byte[] bytes = exchange.getRequestBody().readNBytes(BODY_BYTES_MAX + 1);
        if (bytes.length > BODY_BYTES_MAX) {
            throw Failure.of(ErrorCode.TOO_LARGE, "the body must have at most " + BODY_BYTES_MAX + " bytes");
        }
        return bytes;
    }

    private static void refuse(HttpExchange exchange, Failure failure) throws IOException {
        List<Object> errors = new ArrayList<>();
        failure.problems().forEach(p -> errors.add(Json.object("path", p.path(), "detail", p.detail())));
        int status = status(failure.code());
        Map<String, Object> problem = Json.object(
                "type",
                "urn:tallystick:problem:" + failure.code().wire(),
                "title",
                failure.code().title(),
                "status",
                status,
                "code",
                failure.code().wire(),
                "detail",
                failure.detail(),
                "errors",
                errors);
        Http.send(exchange, status, "application/problem+json", Json.writeBytes(problem));
    }

    private static int status(ErrorCode code) {
        return switch (code.kind()) {
            case INVALID -> 400;
            case UNAUTHENTICATED -> 401;
            case FORBIDDEN -> 403;
            case NOT_FOUND -> 404;
            case METHOD -> 405;
            case NOT_ACCEPTABLE -> 406;
            case CONFLICT -> 409;
            case TOO_LARGE -> 413;
            case UNSUPPORTED -> 415;
            case LIMITED -> 429;
            case UNAVAILABLE -> 503;
            case INTERNAL -> 500;
        };
    }
}
