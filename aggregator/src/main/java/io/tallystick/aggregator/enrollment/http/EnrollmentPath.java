package io.tallystick.aggregator.enrollment.http;

import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.ext.web.RoutingContext;

/** The {@code {id}} of {@code /v1/enrollments/{id}/…}. */
public final class EnrollmentPath {
    private EnrollmentPath() {}

    /** {@code not-found} for what cannot be an id: a foreign, a missing and a malformed one look the same. */
    public static EnrollmentId id(RoutingContext ctx) {
        String text = Requests.path(ctx, "id");
        try {
            return EnrollmentId.parse(text);
        } catch (IllegalArgumentException e) {
            throw Failure.of(ErrorCode.NOT_FOUND, "there is no such enrollment");
        }
    }
}
