package io.tallystick.aggregator.web;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What can be refused from the head of a request alone. */
final class RequestChecks {
    private static final Pattern MULTIPART =
            Pattern.compile("(?i:multipart/form-data) *; *(?i:boundary)=\"?[0-9A-Za-z'()+_,./:=?-]{1,70}\"?");

    private RequestChecks() {}

    static void check(RoutingContext ctx, Route route) {
        query(ctx.queryParams(), route);
        HttpServerRequest request = ctx.request();
        String encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            throw Failure.of(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding is not taken, send the body as it is");
        }
        long length = length(request.getHeader(HttpHeaders.CONTENT_LENGTH));
        if (route.body() == Route.Body.NONE) {
            if (length > 0 || request.getHeader(HttpHeaders.TRANSFER_ENCODING) != null) {
                throw Failure.of(ErrorCode.INVALID_REQUEST, "this operation takes no body");
            }
            return;
        }
        if (length > route.bodyBytesMax()) {
            throw Failure.of(
                    ErrorCode.TOO_LARGE, "the body may have " + route.bodyBytesMax() + " bytes, has " + length);
        }
        String type = request.getHeader(HttpHeaders.CONTENT_TYPE);
        if (route.body() == Route.Body.UPLOAD) {
            multipart(type);
        } else {
            contentType(type, route.body().mediaType());
        }
    }

    private static void query(MultiMap parameters, Route route) {
        List<Failure.Problem> problems = new ArrayList<>();
        for (String name : parameters.names()) {
            if (!route.queryParameters().contains(name)) {
                problems.add(new Failure.Problem(name, "is not a known query parameter"));
            } else if (parameters.getAll(name).size() > 1) {
                problems.add(new Failure.Problem(name, "is given more than once"));
            }
        }
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
        }
    }

    private static long length(@Nullable String header) {
        if (header == null) {
            return 0;
        }
        try {
            return Long.parseLong(header.strip());
        } catch (NumberFormatException e) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, "Content-Length is not a number");
        }
    }

    /** With the boundary as its only parameter, of the length that RFC 2046 allows. */
    private static void multipart(@Nullable String header) {
        if (header == null || !MULTIPART.matcher(header).matches()) {
            throw Failure.of(
                    ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                    "Content-Type must be " + Route.Body.UPLOAD.mediaType() + " with a boundary");
        }
    }

    /** The media type itself, with {@code charset=utf-8} as the only parameter: JSON is UTF-8 (RFC 8259). */
    private static void contentType(@Nullable String header, String expected) {
        String[] parts = header == null
                ? new String[] {""}
                : header.toLowerCase(Locale.ROOT).split(";", -1);
        boolean charset = parts.length == 1
                || (parts.length == 2 && parts[1].strip().replace("\"", "").equals("charset=utf-8"));
        if (!parts[0].strip().equals(expected) || !charset) {
            throw Failure.of(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Content-Type must be " + expected);
        }
    }
}
