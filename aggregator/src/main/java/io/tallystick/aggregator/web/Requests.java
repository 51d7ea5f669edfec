package io.tallystick.aggregator.web;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Reading a request that {@link ApiRouter} has let through. */
public final class Requests {
    private Requests() {}

    /** Who is asking. Only on routes with roles; anywhere else it is a defect to ask. */
    public static Caller caller(RoutingContext ctx) {
        Caller caller = ctx.get(ApiRouter.CALLER);
        if (caller == null) {
            throw new IllegalStateException("this route does not authenticate its caller");
        }
        return caller;
    }

    /**
     * Where the request came from, as far as trusted proxies tell (see {@link ClientAddresses}). For rate limits and logs; it
     * proves nobody's identity.
     */
    public static String clientAddress(RoutingContext ctx) {
        String address = ctx.get(ApiRouter.CLIENT_ADDRESS);
        if (address == null) {
            throw new IllegalStateException("this request did not come through the router");
        }
        return address;
    }

    /** A field of a posted form; one that is given twice is as good as none. */
    public static Optional<String> form(RoutingContext ctx, String name) {
        List<String> values = ctx.request().formAttributes().getAll(name);
        return values.size() == 1 ? Optional.of(values.get(0)) : Optional.empty();
    }

    /** A file of a posted form; one that is empty, or that is given twice, is as good as none. */
    public static Optional<byte[]> file(RoutingContext ctx, String name) {
        List<byte[]> files = Uploads.of(ctx, name);
        return files.size() == 1 ? Optional.of(files.get(0)) : Optional.empty();
    }

    /** The body as received; empty when there is none. */
    public static byte[] bytes(RoutingContext ctx) {
        Buffer body = ctx.body().buffer();
        return body == null ? new byte[0] : body.getBytes();
    }

    /** The JSON body, parsed strictly; call {@link Fields#done()} when all is read. */
    public static Fields json(RoutingContext ctx) {
        return Fields.parse(bytes(ctx));
    }

    /** A parameter of the path. */
    public static String path(RoutingContext ctx, String name) {
        String value = ctx.pathParam(name);
        if (value == null) {
            throw new IllegalStateException("the route has no parameter " + name);
        }
        return value;
    }

    /** A query parameter; one that is empty is there and empty. */
    public static Optional<String> query(RoutingContext ctx, String name) {
        return Optional.ofNullable(ctx.queryParams().get(name));
    }

    /** A query parameter that a parser takes; its {@link IllegalArgumentException} becomes the problem. */
    public static <T> Optional<T> query(RoutingContext ctx, String name, Function<String, T> parser) {
        return query(ctx, name).map(text -> {
            try {
                return parser.apply(text);
            } catch (IllegalArgumentException e) {
                throw invalid(name, String.valueOf(e.getMessage()));
            }
        });
    }

    /** One wrong parameter. */
    public static Failure invalid(String name, String detail) {
        return Failure.of(ErrorCode.INVALID_REQUEST, List.of(new Failure.Problem(name, detail)));
    }
}
