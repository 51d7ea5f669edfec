package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.aggregator.entitlement.Entitlements;
import io.tallystick.aggregator.portal.pages.JteenrollmentGenerated;
import io.tallystick.aggregator.portal.pages.JteincidentsGenerated;
import io.tallystick.aggregator.usage.Incidents;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Optional;

/** What somebody must look at, and the decision about a contested key. */
final class IncidentPages {
    private final Incidents incidents;
    private final Enrollments enrollments;
    private final Entitlements entitlements;
    private final SqlClient reads;
    private final Html html;

    IncidentPages(Incidents incidents, Enrollments enrollments, Entitlements entitlements, SqlClient reads, Html html) {
        this.incidents = incidents;
        this.enrollments = enrollments;
        this.entitlements = entitlements;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/incidents", "incidentsPage")
                        .page(Role.OPERATOR)
                        .paged()
                        .query("status", Html.DONE)
                        .to(this::list),
                Route.post("/portal/incidents/{id}/acknowledge", "acknowledgeIncidentOnPage")
                        .page(Role.OPERATOR)
                        .to(this::acknowledge),
                Route.post("/portal/incidents/{id}/reopen", "reopenIncidentOnPage")
                        .page(Role.OPERATOR)
                        .to(this::reopen),
                Route.get("/portal/enrollments/{id}", "enrollmentPage")
                        .page(Role.OPERATOR)
                        .query(Html.DONE)
                        .to(this::enrollment),
                Route.post("/portal/enrollments/{id}/approve", "approveKeyOnPage")
                        .page(Role.OPERATOR)
                        .to(this::approve));
    }

    private Future<Void> list(RoutingContext ctx) {
        PageRequest request = PageRequest.of(ctx);
        Incidents.Status status =
                Requests.query(ctx, "status", Incidents.Status::ofWire).orElse(Incidents.Status.OPEN);
        return incidents
                .page(Optional.of(status), request.afterNumber(), request.limit() + 1)
                .map(rows -> Page.of(rows, request, i -> Long.toString(i.id())))
                .compose(found -> html.send(
                        ctx,
                        200,
                        (output, page) -> JteincidentsGenerated.render(
                                output,
                                null,
                                page,
                                found.items(),
                                status,
                                found.nextParameter().orElse(null))));
    }

    private Future<Void> acknowledge(RoutingContext ctx) {
        return incidents
                .acknowledge(
                        Requests.caller(ctx).actor(),
                        Requests.path(ctx, "id"),
                        Forms.optional(ctx, "note", Incidents.NOTE_CHARS_MAX))
                .compose(done -> html.redirect(ctx, "/portal/incidents?done=acknowledged"));
    }

    private Future<Void> reopen(RoutingContext ctx) {
        return incidents
                .reopen(Requests.caller(ctx).actor(), Requests.path(ctx, "id"))
                .compose(done -> html.redirect(ctx, "/portal/incidents?done=reopened"));
    }

    private Future<Void> enrollment(RoutingContext ctx) {
        EnrollmentId id = id(ctx);
        return enrollments
                .find(reads, id)
                .map(found -> found.orElseThrow(IncidentPages::notFound))
                .compose(enrollment -> enrollments
                        .contestedKeys(id)
                        .compose(keys -> html.send(
                                ctx,
                                200,
                                (output, page) ->
                                        JteenrollmentGenerated.render(output, null, page, enrollment, keys))));
    }

    private Future<Void> approve(RoutingContext ctx) {
        EnrollmentId id = id(ctx);
        Hash thumbprint = Forms.parsed(ctx, "thumbprint", Hash::parse);
        return entitlements
                .approve(Requests.caller(ctx), id, thumbprint)
                .compose(done -> html.redirect(ctx, "/portal/enrollments/" + id + "?done=key-approved"));
    }

    private static EnrollmentId id(RoutingContext ctx) {
        try {
            return EnrollmentId.parse(Requests.path(ctx, "id"));
        } catch (IllegalArgumentException e) {
            throw notFound();
        }
    }

    private static Failure notFound() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such enrollment");
    }
}
