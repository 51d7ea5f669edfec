package io.tallystick.cloudsim;

import com.sun.net.httpserver.HttpExchange;
import io.tallystick.cloudsim.ApiFault.Kind;
import io.tallystick.cloudsim.Signature4.Claim;
import io.tallystick.cloudsim.Signature4.Scheme;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * EC2's Query API as far as a marketplace uses it, at one address for all regions: which one is meant says the signature's
 * scope. Actions are {@link Ec2Images}'s and {@link Ec2Instances}'s.
 */
final class Ec2Api {
    static final String NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";
    static final String VERSION = "2016-11-15";
    private static final String TYPE = "text/xml;charset=UTF-8";
    private static final Duration SKEW_MAX = Duration.ofMinutes(15);
    private static final List<String> READS = List.of("DescribeImages", "DescribeImageAttribute", "DescribeInstances");

    /** Who asks, and where. */
    record Caller(String account, String region) {}

    private final SimulatedClouds clouds;

    Ec2Api(SimulatedClouds clouds) {
        this.clouds = clouds;
    }

    void handle(HttpExchange exchange, byte[] body) throws IOException {
        String requestId = clouds.requestId();
        try {
            Ec2Params params = Ec2Params.parse(body);
            String action = params.required("Action");
            Optional<ApiFault> fault = clouds.faults().next(Cloud.AWS, action);
            before(fault);
            Caller caller = caller(exchange, body, action);
            if (!params.required("Version").equals(VERSION)) {
                throw ApiError.ec2("NoSuchVersion", "The specified API version does not exist");
            }
            if (params.bool("DryRun")) {
                throw ApiError.ec2(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
            }
            Xml xml = new Xml().open(action + "Response", NAMESPACE).leaf("requestId", requestId);
            clouds.locked(images -> {
                act(action, params, caller, images, fault, xml);
                return xml;
            });
            if (clouds.faults().swallows(fault, exchange)) {
                return;
            }
            if (fault.filter(f -> f.kind() == Kind.ERROR_AFTER).isPresent()) {
                throw internal();
            }
            Http.send(exchange, 200, TYPE, xml.bytes());
        } catch (ApiError e) {
            Http.send(exchange, e.status(), TYPE, error(e, requestId));
        }
    }

    private void act(String action, Ec2Params params, Caller caller, Images images, Optional<ApiFault> fault, Xml xml) {
        Ec2Images actions = new Ec2Images(images, caller, clouds.now());
        Ec2Instances instances = new Ec2Instances(clouds, caller);
        switch (action) {
            case "DescribeImages" -> actions.describe(params, clouds.asOf(fault), xml);
            case "DescribeImageAttribute" -> actions.describeAttribute(params, xml);
            case "CopyImage" -> actions.copy(params, fault, xml);
            case "ModifyImageAttribute" -> actions.modify(params, xml);
            case "EnableImageDeprecation" -> actions.deprecate(params, xml);
            case "DeregisterImage" -> actions.deregister(params, xml);
            case "CreateTags" -> createTags(params, actions, instances, xml);
            case "DescribeInstances" -> instances.describe(params, clouds.asOf(fault), xml);
            default -> throw ApiError.ec2("InvalidAction", "The action " + action + " is not valid for this endpoint.");
        }
    }

    private static void createTags(Ec2Params params, Ec2Images images, Ec2Instances instances, Xml xml) {
        List<String> ids = params.list("ResourceId");
        var tags = params.tags("Tag");
        params.done();
        for (String id : ids) {
            if (id.startsWith("ami-")) {
                images.tag(id, tags);
            } else {
                instances.tag(id, tags);
            }
        }
        xml.leaf("return", true);
    }

    private static void before(Optional<ApiFault> fault) {
        fault.ifPresent(f -> {
            if (f.kind() == Kind.THROTTLE) {
                throw ApiError.ec2(503, "RequestLimitExceeded", "Request limit exceeded.");
            }
            if (f.kind() == Kind.ERROR) {
                throw internal();
            }
        });
    }

    private static ApiError internal() {
        return ApiError.ec2(500, "InternalError", "An internal error has occurred.");
    }

    private Caller caller(HttpExchange exchange, byte[] body, String action) {
        Claim claim = Claim.of(Scheme.AWS4, exchange.getRequestHeaders().getFirst("Authorization"))
                .orElseThrow(() -> ApiError.ec2("MissingAuthenticationToken", "The request must be signed"));
        String time = Optional.ofNullable(exchange.getRequestHeaders().getFirst(Scheme.AWS4.dateHeader()))
                .orElse("");
        AccessKey key = clouds.key(Cloud.AWS, claim.accessKeyId()).orElseThrow(Ec2Api::notValidated);
        if (!claim.service().equals("ec2")
                || !Signature4.verify(claim, key.secretKey(), "/", Http.header(exchange), body)) {
            throw notValidated();
        }
        if (Signature4.isStale(time, clouds.now(), SKEW_MAX)) {
            throw ApiError.ec2("RequestExpired", "Request has expired.");
        }
        if (key.readOnly() && !READS.contains(action)) {
            throw ApiError.ec2(403, "UnauthorizedOperation", "You are not authorized to perform this operation.");
        }
        return new Caller(key.accountId(), claim.region());
    }

    /** Also for an unknown key: EC2 does not say which half was wrong. */
    private static ApiError notValidated() {
        return ApiError.ec2(401, "AuthFailure", "AWS was not able to validate the provided access credentials");
    }

    private static byte[] error(ApiError e, String requestId) {
        return new Xml()
                .open("Response")
                .open("Errors")
                .open("Error")
                .leaf("Code", e.code())
                .leaf("Message", e.details())
                .close()
                .close()
                .leaf("RequestID", requestId)
                .bytes();
    }
}
