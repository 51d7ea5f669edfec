package io.tallystick.cloudsim;

import com.sun.net.httpserver.HttpExchange;
import io.tallystick.cloudsim.ApiFault.Kind;
import io.tallystick.cloudsim.Signature4.Claim;
import io.tallystick.cloudsim.Signature4.Scheme;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * OUTSCALE's API version 1 as far as a marketplace uses it, at one address for all regions: which one is meant says the
 * signature's scope. Signed with OSC4-HMAC-SHA256: marketplace reference 8.3.
 */
final class OutscaleApi {
    static final String PREFIX = "/api/v1/";
    private static final String TYPE = "application/json";
    private static final Duration SKEW_MAX = Duration.ofMinutes(5);
    private static final List<String> READS = List.of("ReadImages", "ReadSnapshots", "ReadVms", "ReadAccounts");

    /** Who asks, and where. */
    record Caller(String account, String region) {}

    private final SimulatedClouds clouds;

    OutscaleApi(SimulatedClouds clouds) {
        this.clouds = clouds;
    }

    void handle(HttpExchange exchange, byte[] body) throws IOException {
        Map<String, Object> context = Json.object("RequestId", clouds.requestId());
        try {
            String path = exchange.getRequestURI().getRawPath();
            String action = path.substring(PREFIX.length());
            if (!exchange.getRequestMethod().equals("POST")) {
                throw ApiError.outscale(405, "2", "AccessDenied", "the method must be POST");
            }
            Optional<ApiFault> fault = clouds.faults().next(Cloud.OUTSCALE, action);
            before(fault);
            Caller caller = caller(exchange, path, body, action);
            Map<String, Object> answer = new LinkedHashMap<>(answer(action, body, caller, fault));
            if (clouds.faults().swallows(fault, exchange)) {
                return;
            }
            if (fault.filter(f -> f.kind() == Kind.ERROR_AFTER).isPresent()) {
                throw internal();
            }
            answer.put("ResponseContext", context);
            Http.send(exchange, 200, TYPE, Json.writeBytes(answer));
        } catch (ApiError e) {
            Map<String, Object> error = Json.object("Type", e.type(), "Code", e.code(), "Details", e.details());
            Http.send(
                    exchange,
                    e.status(),
                    TYPE,
                    Json.writeBytes(Json.object("Errors", List.of(error), "ResponseContext", context)));
        }
    }

    private Map<String, Object> answer(String action, byte[] body, Caller caller, Optional<ApiFault> fault) {
        try {
            Fields parameters = body.length == 0 ? Fields.of(Map.of()) : Fields.parse(body);
            if (parameters.optionalBool("DryRun").orElse(false)) {
                return Map.of();
            }
            return clouds.locked(images -> {
                OutscaleImages actions = new OutscaleImages(images, clouds, caller);
                OutscaleSnapshots snapshots = new OutscaleSnapshots(images, clouds, caller);
                OutscaleVms vms = new OutscaleVms(clouds, caller);
                return switch (action) {
                    case "CreateImage" -> actions.create(parameters, fault);
                    case "ReadImages" -> actions.read(parameters, clouds.asOf(fault));
                    case "UpdateImage" -> actions.update(parameters);
                    case "DeleteImage" -> actions.delete(parameters);
                    case "CreateTags" -> createTags(parameters, actions, snapshots, vms);
                    case "ReadSnapshots" -> snapshots.read(parameters);
                    case "DeleteSnapshot" -> snapshots.delete(parameters);
                    case "ReadVms" -> vms.read(parameters, clouds.asOf(fault));
                    case "ReadAccounts" -> accounts(parameters, caller);
                    default -> throw ApiError.outscale(404, "12000", "InvalidAction", "no such action: " + action);
                };
            });
        } catch (Failure e) {
            throw ApiError.outscale(400, "3001", "InvalidParameter", String.valueOf(e.getMessage()));
        }
    }

    private static Map<String, Object> createTags(
            Fields f, OutscaleImages images, OutscaleSnapshots snapshots, OutscaleVms vms) {
        List<String> ids = f.optionalStrings("ResourceIds", VmInfo.TAGS_MAX, VmInfo.TEXT_CHARS_MAX);
        Map<String, String> tags = new LinkedHashMap<>();
        for (Fields tag : f.objects("Tags", VmInfo.TAGS_MAX)) {
            tags.put(tag.string("Key", VmInfo.TEXT_CHARS_MAX), tag.string("Value", VmInfo.TEXT_CHARS_MAX));
        }
        f.done();
        for (String id : ids) {
            if (id.startsWith("ami-")) {
                images.tag(id, tags);
            } else if (id.startsWith("snap-")) {
                snapshots.tag(id, tags);
            } else {
                vms.tag(id, tags);
            }
        }
        return Map.of();
    }

    private static Map<String, Object> accounts(Fields f, Caller caller) {
        f.done();
        return Json.object("Accounts", List.of(Json.object("AccountId", caller.account())));
    }

    private static void before(Optional<ApiFault> fault) {
        fault.ifPresent(f -> {
            if (f.kind() == Kind.THROTTLE) {
                throw ApiError.outscale(429, "24", "AccessDenied", "Request rate exceeded.");
            }
            if (f.kind() == Kind.ERROR) {
                throw internal();
            }
        });
    }

    private static ApiError internal() {
        return ApiError.outscale(500, "2000", "InternalError", "An internal error has occurred.");
    }

    private Caller caller(HttpExchange exchange, String path, byte[] body, String action) {
        Claim claim = Claim.of(Scheme.OSC4, exchange.getRequestHeaders().getFirst("Authorization"))
                .orElseThrow(OutscaleApi::accessDenied);
        AccessKey key = clouds.key(Cloud.OUTSCALE, claim.accessKeyId()).orElseThrow(OutscaleApi::accessDenied);
        String time = Http.header(exchange).apply(Scheme.OSC4.dateHeader());
        if (!claim.service().equals("api")
                || !claim.signedHeaders().contains("content-type")
                || !Signature4.verify(claim, key.secretKey(), path, Http.header(exchange), body)
                || Signature4.isStale(time, clouds.now(), SKEW_MAX)) {
            throw accessDenied();
        }
        if (key.readOnly() && !READS.contains(action)) {
            throw ApiError.outscale(401, "4", "AccessDenied", "Unauthorized operation");
        }
        return new Caller(key.accountId(), claim.region());
    }

    private static ApiError accessDenied() {
        return ApiError.outscale(401, "1", "AccessDenied", "Authentication failed");
    }

    /** OUTSCALE's lists of resources, cut into pages. */
    static Map<String, Object> page(Fields f, String name, List<Map<String, Object>> all, int most) {
        int size = Math.min(
                most, f.optionalNumber("ResultsPerPage", 1, 1000).orElse(1000L).intValue());
        int from = f.optionalParsed("NextPageToken", Integer::valueOf).orElse(0);
        f.done();
        int start = Math.min(Math.max(from, 0), all.size());
        int end = Math.min(start + size, all.size());
        return Json.object(
                name, all.subList(start, end), "NextPageToken", end < all.size() ? Integer.toString(end) : null);
    }

    /** The values of a filter; empty if it is not there, which lets everything through. */
    static List<String> filter(Fields filters, String name) {
        return filters.optionalStrings(name, VmImage.SHARES_MAX, VmInfo.TEXT_CHARS_MAX);
    }

    static List<Map<String, Object>> tags(Map<String, String> tags) {
        return tags.entrySet().stream()
                .map(t -> Json.object("Key", t.getKey(), "Value", t.getValue()))
                .toList();
    }
}
