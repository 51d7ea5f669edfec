package io.tallystick.aggregator.entitlement.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.enrollment.Confirmations;
import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.aggregator.enrollment.http.EnrollmentPath;
import io.tallystick.aggregator.entitlement.Entitlements;
import io.tallystick.aggregator.usage.Incidents;
import io.tallystick.aggregator.usage.LostRange;
import io.tallystick.aggregator.usage.Watermarks;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What operators see of enrollments, and others of their own VMs; and the decision about a contested one. */
public final class EnrollmentRoutes {
    private static final String INSTANCE = "instance";

    private final Enrollments enrollments;
    private final Watermarks watermarks;
    private final Entitlements entitlements;
    private final Incidents incidents;
    private final Confirmations confirmations;
    private final SqlClient reads;

    public EnrollmentRoutes(
            Enrollments enrollments,
            Watermarks watermarks,
            Entitlements entitlements,
            Incidents incidents,
            Confirmations confirmations,
            SqlClient reads) {
        this.enrollments = enrollments;
        this.watermarks = watermarks;
        this.entitlements = entitlements;
        this.incidents = incidents;
        this.confirmations = confirmations;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.get("/v1/enrollments", "listEnrollments")
                        .roles(OPERATOR, SELLER, BUYER)
                        .paged()
                        .query(INSTANCE)
                        .to(Responder.json(200, this::list)),
                Route.get("/v1/enrollments/{id}", "getEnrollment")
                        .roles(OPERATOR, SELLER, BUYER)
                        .to(Responder.json(200, this::get)),
                Route.post("/v1/enrollments/{id}/approve", "approveKey")
                        .roles(OPERATOR, SELLER, BUYER)
                        .json()
                        .to(Responder.json(200, this::approve)));
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        PageRequest page = PageRequest.of(ctx);
        return enrollments
                .page(
                        Requests.caller(ctx),
                        page.after(EnrollmentId::parse),
                        Requests.query(ctx, INSTANCE),
                        page.limit() + 1)
                .map(rows -> Page.of(rows, page, e -> e.id().toString()).json(EnrollmentRoutes::json));
    }

    private Future<Map<String, Object>> get(RoutingContext ctx) {
        return enrollments
                .visible(reads, Requests.caller(ctx), EnrollmentPath.id(ctx))
                .compose(this::withLost);
    }

    private Future<Map<String, Object>> withLost(Enrollment e) {
        return watermarks.lost(reads, e.id()).compose(lost -> whole(e).map(json -> {
            json.put("lost", lost.stream().map(LostRange::json).toList());
            return json;
        }));
    }

    private Future<Map<String, Object>> whole(Enrollment e) {
        return watermarks
                .of(reads, e.id())
                .compose(progress -> enrollments.contestedKeys(e.id()).compose(contested -> enrollments
                        .takeover(reads, e.id())
                        .compose(takeover -> confirmations.state(e).map(confirmation -> {
                            Map<String, Object> json = new LinkedHashMap<>(json(e));
                            json.put("watermark", progress.watermark().toJson());
                            json.put("progressedAt", progress.at());
                            json.put(
                                    "contested",
                                    contested.stream()
                                            .map(c -> Json.object(
                                                    "thumbprint", c.thumbprint(),
                                                    "firstSeen", c.firstSeen(),
                                                    "lastSeen", c.lastSeen()))
                                            .toList());
                            takeover.ifPresent(t -> json.put(
                                    "takeover",
                                    Json.object(
                                            "thumbprint",
                                            t.key().thumbprint(),
                                            "startedAt",
                                            t.pendingTime(),
                                            "beganAt",
                                            t.beganAt(),
                                            "seenAt",
                                            t.seenAt())));
                            confirmation.ifPresent(c -> json.put(
                                    "confirmation",
                                    Json.object(
                                            "askedAt",
                                            c.askedAt(),
                                            "confirmedAt",
                                            c.confirmedAt().orElse(null),
                                            "finding",
                                            c.finding())));
                            return json;
                        }))));
    }

    private Future<Map<String, Object>> approve(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Hash thumbprint = in.parsed("thumbprint", Hash::parse, Hash.NONE);
        in.done();
        return entitlements
                .approve(Requests.caller(ctx), EnrollmentPath.id(ctx), thumbprint)
                .map(EnrollmentRoutes::json);
    }

    private static Map<String, Object> json(Enrollment e) {
        return Json.object(
                "id",
                e.id(),
                "cloud",
                e.cloud(),
                "cloudAccount",
                e.cloudAccount(),
                "instance",
                e.instance(),
                "region",
                e.region(),
                "image",
                e.image(),
                "instanceType",
                e.instanceType(),
                "productCodes",
                e.productCodes(),
                "evidenceLevel",
                e.evidenceLevel().wire(),
                "key",
                e.key().thumbprint(),
                "pendingTime",
                e.pendingTime(),
                "agentVersion",
                e.agentVersion(),
                "agentState",
                e.agentState(),
                "enrolledAt",
                e.enrolledAt(),
                "seenAt",
                e.seenAt(),
                "copiedFrom",
                e.copiedFrom().orElse(null));
    }
}
