package io.tallystick.aggregator.web;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place where an error becomes HTTP: an RFC 9457 problem document. Refusals say what and why; our own faults say
 * nothing but a correlation id, and are logged once, with their stack.
 */
public final class Problems {
    public static final String MEDIA_TYPE = "application/problem+json";
    public static final String CORRELATION_HEADER = "Tallystick-Correlation-Id";
    private static final String TYPE_PREFIX = "urn:tallystick:problem:";
    /** A {@link Failure} says otherwise with a whole number of seconds under {@link #RETRY_AFTER}. */
    public static final String RETRY_AFTER = "retryAfterSeconds";

    private static final long RETRY_AFTER_SECONDS = 5;
    private static final Logger LOG = LoggerFactory.getLogger(Problems.class);

    private final Function<Throwable, Throwable> translate;
    private final Function<Throwable, ErrorCode> code;
    private final Seldom overloadTold;

    /**
     * @param translate makes a {@link Failure} of what has an answer for the caller, and leaves the rest alone
     * @param code the code, of kind unavailable, limited or internal, of what is no failure
     * @param nanoTime a monotonic clock
     */
    public Problems(
            Function<Throwable, Throwable> translate, Function<Throwable, ErrorCode> code, LongSupplier nanoTime) {
        this.translate = translate;
        this.code = code;
        this.overloadTold = new Seldom(RateLimits.LOG_EVERY, nanoTime);
    }

    /** The status of every code of this kind. */
    public static int status(ErrorCode.Kind kind) {
        return switch (kind) {
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
            case INTERNAL -> 500;
            case UNAVAILABLE -> 503;
        };
    }

    /** How an error is written. */
    @FunctionalInterface
    interface Writer {
        void write(ErrorCode errorCode, @Nullable Failure failure);
    }

    /** Answers with the problem document of this error, or cuts the connection when an answer has already begun. */
    void fail(RoutingContext ctx, String operationId, String correlationId, Throwable error) {
        fail(
                ctx,
                operationId,
                correlationId,
                error,
                (code, failure) -> send(ctx.response(), code, failure, correlationId));
    }

    /** As above, written by somebody else. */
    void fail(RoutingContext ctx, String operationId, String correlationId, Throwable error, Writer writer) {
        Throwable known = translate.apply(fromVertx(error));
        Failure failure = known instanceof Failure f ? f : null;
        ErrorCode errorCode = failure == null ? code.apply(known) : failure.code();
        int status = status(errorCode.kind());
        if (!isCounted(errorCode, failure)) {
            log(operationId, correlationId, Requests.clientAddress(ctx), errorCode, status, known);
        }
        HttpServerResponse response = ctx.response();
        if (response.headWritten()) {
            // Half an answer must not look like a whole one.
            response.reset();
            return;
        }
        if (!response.closed() && !response.ended()) {
            writer.write(errorCode, failure);
        }
    }

    /** Who asks too often, or more than there is time for, is counted and told in few lines: a flood must not become the log's. */
    private boolean isCounted(ErrorCode errorCode, @Nullable Failure failure) {
        if (failure != null && failure.data().containsKey(RateLimits.MEMBER)) {
            return true;
        }
        return errorCode == ErrorCode.OVERLOADED && !overloadTold.isTime();
    }

    /** The seconds to wait that an answer of this kind tells, if it does. */
    public static Optional<String> retryAfter(int status, @Nullable Failure failure) {
        if (status != 429 && status != 503) {
            return Optional.empty();
        }
        Object seconds = failure == null ? null : failure.data().get(RETRY_AFTER);
        return Optional.of(String.valueOf(seconds == null ? RETRY_AFTER_SECONDS : seconds));
    }

    /** Writes the document of a request that never became a route's, such as malformed HTTP. */
    static void send(
            HttpServerResponse response, ErrorCode errorCode, @Nullable Failure failure, String correlationId) {
        int status = status(errorCode.kind());
        response.setStatusCode(status);
        response.putHeader(CORRELATION_HEADER, correlationId);
        response.putHeader(HttpHeaders.CONTENT_TYPE, MEDIA_TYPE);
        response.putHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        if (status == 401) {
            response.putHeader("WWW-Authenticate", "Bearer");
        }
        retryAfter(status, failure).ifPresent(seconds -> response.putHeader(HttpHeaders.RETRY_AFTER, seconds));
        response.end(Buffer.buffer(Json.writeBytes(document(errorCode, failure, correlationId))));
    }

    /** The members of the document; those of {@link Failure#data()} come last and replace none. */
    static Map<String, Object> document(ErrorCode errorCode, @Nullable Failure failure, String correlationId) {
        int status = status(errorCode.kind());
        Failure told = status >= 500 ? null : failure;
        Map<String, Object> document = Json.object(
                "type",
                TYPE_PREFIX + errorCode.wire(),
                "title",
                errorCode.title(),
                "status",
                status,
                "detail",
                told == null ? "Tell the operator this correlation id: " + correlationId : told.detail(),
                "code",
                errorCode.wire());
        if (told != null && !told.problems().isEmpty()) {
            document.put(
                    "errors",
                    told.problems().stream()
                            .map(p -> Json.object("path", p.path(), "detail", p.detail()))
                            .toList());
        }
        document.put("correlationId", correlationId);
        if (failure != null) {
            failure.data().forEach(document::putIfAbsent);
        }
        return document;
    }

    private static Throwable fromVertx(Throwable error) {
        if (!(error instanceof HttpException http)) {
            return error;
        }
        return switch (http.getStatusCode()) {
            case 404 -> Failure.of(ErrorCode.NOT_FOUND, "there is nothing at this path");
            case 405 -> Failure.of(ErrorCode.METHOD_NOT_ALLOWED, "this path does not have that method");
            case 413 -> Failure.of(ErrorCode.TOO_LARGE, "the body is larger than this operation takes");
            case 415 -> Failure.of(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "the content type is not taken here");
            default ->
                http.getStatusCode() < 500
                        ? Failure.of(ErrorCode.INVALID_REQUEST, "the request target or a parameter is malformed")
                        : error;
        };
    }

    private static void log(
            String operationId,
            String correlationId,
            String clientAddress,
            ErrorCode errorCode,
            int status,
            Throwable error) {
        if (status >= 500) {
            LOG.error("{} {} {} {} {}", correlationId, clientAddress, operationId, status, errorCode.wire(), error);
        } else {
            String detail = oneLine(String.valueOf(error.getMessage()));
            LOG.info("{} {} {} {} {}", correlationId, clientAddress, operationId, status, detail);
        }
    }

    /** What a client sent must not start a new line in the log. */
    static String oneLine(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
