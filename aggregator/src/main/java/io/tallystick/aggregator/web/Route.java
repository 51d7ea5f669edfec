package io.tallystick.aggregator.web;

import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;
import java.util.EnumSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One operation, declared: {@code Route.post("/v1/accounts", "createAccount").roles(OPERATOR).json().to(…)}. A parameter
 * in the path is written {@code {id}}, as in the OpenAPI document, which a test compares with these declarations.
 */
public record Route(
        HttpMethod method,
        String path,
        String operationId,
        Access access,
        Set<Role> roles,
        Body body,
        int bodyBytesMax,
        Set<String> queryParameters,
        Set<RateLimits.Limit> limits,
        Consumer<RoutingContext> gate,
        Endpoint endpoint) {

    /** Who gets as far as the endpoint. */
    public enum Access {
        /** Anybody. */
        ANONYMOUS,
        /** Anybody; the body is a JWS and the endpoint refuses it unless its signature proves who sent it. */
        AGENT,
        /** A valid API token of one of the route's roles. */
        TOKEN,
        /** Somebody signed in to the portal under one of the route's roles; others are sent to sign in. For browsers. */
        PAGE,
        /** Anybody with a browser, such as somebody who has yet to sign in. */
        OPEN_PAGE;

        /** Whether a browser asks: errors are pages then, and what is posted is a form that proves where it came from. */
        public boolean isPage() {
            return this == PAGE || this == OPEN_PAGE;
        }
    }

    /** What the request carries. */
    public enum Body {
        NONE(""),
        JSON("application/json"),
        /** An HTML form. */
        FORM("application/x-www-form-urlencoded"),
        /** An HTML form with files, which stay in memory. */
        UPLOAD("multipart/form-data"),
        /** A JWS in flattened JSON serialization. */
        JOSE("application/jose+json");

        private final String mediaType;

        Body(String mediaType) {
            this.mediaType = mediaType;
        }

        public String mediaType() {
            return mediaType;
        }

        /** Whether it is what an HTML form sends. */
        public boolean isForm() {
            return this == FORM || this == UPLOAD;
        }
    }

    public Route {
        if ((access == Access.TOKEN || access == Access.PAGE) && roles.isEmpty()) {
            throw new IllegalArgumentException(operationId + " lets nobody in");
        }
        roles = Set.copyOf(roles);
        queryParameters = Set.copyOf(queryParameters);
        limits = Set.copyOf(limits);
    }

    public static Builder get(String path, String operationId) {
        return new Builder(HttpMethod.GET, path, operationId);
    }

    public static Builder post(String path, String operationId) {
        return new Builder(HttpMethod.POST, path, operationId);
    }

    public static Builder put(String path, String operationId) {
        return new Builder(HttpMethod.PUT, path, operationId);
    }

    public static Builder delete(String path, String operationId) {
        return new Builder(HttpMethod.DELETE, path, operationId);
    }

    /** The path as Vert.x writes it. */
    String vertxPath() {
        return path.replaceAll("\\{([A-Za-z]+)}", ":$1");
    }

    /** Collects a declaration; {@link #to} ends it. Who may call must be said: there is no default. */
    public static final class Builder {
        private final HttpMethod method;
        private final String path;
        private final String operationId;
        private @Nullable Access access;
        private final Set<Role> roles = EnumSet.noneOf(Role.class);
        private Body body = Body.NONE;
        private int bodyBytesMax = HttpLimits.BODY_BYTES_MAX;
        private final Set<String> queryParameters = new TreeSet<>();
        private final Set<RateLimits.Limit> limits = EnumSet.of(RateLimits.Limit.ADDRESS);
        private Consumer<RoutingContext> gate = ctx -> {};

        private Builder(HttpMethod method, String path, String operationId) {
            this.method = method;
            this.path = path;
            this.operationId = operationId;
        }

        public Builder anonymous() {
            access = Access.ANONYMOUS;
            return this;
        }

        /** Authenticated by the JWS in the body, which the endpoint checks. */
        public Builder agent() {
            access = Access.AGENT;
            body = Body.JOSE;
            return limited(path.contains("{id}") ? RateLimits.Limit.ENROLLMENT : RateLimits.Limit.ENROLL);
        }

        /** A page of the portal for users of these roles. */
        public Builder page(Role... allowed) {
            access = Access.PAGE;
            roles.addAll(Set.of(allowed));
            return form();
        }

        /** A page of the portal for everybody. */
        public Builder openPage() {
            access = Access.OPEN_PAGE;
            return form();
        }

        /** What a page posts is a form, always: only forms carry the token that {@link PageGate} checks. */
        private Builder form() {
            if (method.equals(HttpMethod.POST)) {
                body = Body.FORM;
                bodyBytesMax = HttpLimits.FORM_BYTES_MAX;
            }
            return this;
        }

        public Builder roles(Role... allowed) {
            access = Access.TOKEN;
            roles.addAll(Set.of(allowed));
            return this;
        }

        /** A JSON body is needed. Without this (or {@link #agent()}) a request with a body is refused. */
        public Builder json() {
            body = Body.JSON;
            return this;
        }

        /** The page posts files with its form, of so many bytes with all that is around them. */
        public Builder upload(int bytesMax) {
            if (body != Body.FORM) {
                throw new IllegalStateException(operationId + " posts no form");
            }
            body = Body.UPLOAD;
            return bodyBytesMax(bytesMax);
        }

        public Builder bodyBytesMax(int bytes) {
            bodyBytesMax = bytes;
            return this;
        }

        /** Query parameters this operation knows; others are refused, and so is one given twice. */
        public Builder query(String... names) {
            queryParameters.addAll(Set.of(names));
            return this;
        }

        /** Knows {@code limit} and {@code after}, see {@link PageRequest}. */
        public Builder paged() {
            return query(PageRequest.LIMIT, PageRequest.AFTER);
        }

        /** Counts under this limit, too, before anything is read; every route counts by its client's address. */
        public Builder limited(RateLimits.Limit limit) {
            limits.add(limit);
            return this;
        }

        /** Counts under no limit: for what machinery asks all the time. */
        public Builder unlimited() {
            limits.clear();
            return this;
        }

        /** Looks at a request's head before its body is read, and throws what it is refused with. */
        public Builder gate(Consumer<RoutingContext> check) {
            gate = check;
            return this;
        }

        public Route to(Endpoint endpoint) {
            if (access == null) {
                throw new IllegalStateException(operationId + " does not say who may call it");
            }
            return new Route(
                    method,
                    path,
                    operationId,
                    access,
                    roles,
                    body,
                    bodyBytesMax,
                    queryParameters,
                    limits,
                    gate,
                    endpoint);
        }
    }
}
